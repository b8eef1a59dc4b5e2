"""Cases: children and the people around them, staffing, consents, timeline."""
