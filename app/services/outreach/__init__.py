"""Outreach activities: awareness sessions, training, coaching, meetings and dissemination."""
