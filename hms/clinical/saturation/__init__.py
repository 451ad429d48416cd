"""The oxygen saturation that a doctor aims at for a patient: NEWS2's SpO₂ scale 2 (88–92 %) where it is prescribed."""
