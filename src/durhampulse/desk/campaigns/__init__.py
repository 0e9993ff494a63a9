"""Campaigns: whom to ask within a budget."""
