"""Scheduled mails: due → made → rendered → delivered, each step a change of rows that any worker may take."""
