"""The safety rules in force: the program's lists, with what the hospital's pharmacists changed."""
