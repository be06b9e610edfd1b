"""Every Amazon Cognito user pool of an account, region by region, as snapshots in S3."""

__version__ = "0.1.0"
