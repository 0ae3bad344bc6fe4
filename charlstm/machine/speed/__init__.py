"""How fast this machine is.

backend_choice  which of several backends is used for a job here, by measuring
rates        how fast this machine multiplies and reads
"""
