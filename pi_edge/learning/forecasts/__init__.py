"""Forecasts of closing prices, in NumPy alone: what the desktop step and a Pi that learns share."""
