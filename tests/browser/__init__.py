"""What people see and do, in the system's Chromium, against the running application."""
