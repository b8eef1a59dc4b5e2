"""Business logic: one package per part of case management."""
