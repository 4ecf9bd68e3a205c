"""A stand-in for terraform that knows one project: the demo's. It makes its resources for real, through boto3.

What it plans comes from a recording of the real terraform (`plan.json`, made by `record.py`).
"""
