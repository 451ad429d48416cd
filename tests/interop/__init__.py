"""Tests of the desk that exchanges records with other systems."""
