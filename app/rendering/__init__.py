"""Output formats: SVG, PDF, iCalendar."""
