"""Alerts about acts that the data protection officer or a supervisor should look at."""
