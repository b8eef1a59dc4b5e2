"""Accounts and sign-in: users, teams, agencies, API clients, sessions, second factors."""
