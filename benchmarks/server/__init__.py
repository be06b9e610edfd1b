"""A fast stand-in for Amazon Cognito, S3 and what else the measured programs ask, in a process of its own.

It costs little, so that what is measured is the client: raw HTTP/1.1 on asyncio, and bodies that are made beforehand.
benchmarks.fake starts it. For what it answers wrongly on purpose, see benchmarks.fake.Setup; it checks no signature.
"""
