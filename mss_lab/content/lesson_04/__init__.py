"""Lesson 04: Is it better?"""
