"""The deploy side: from cdk.json's settings to one stack."""
