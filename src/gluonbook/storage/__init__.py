"""What is written so that a crash leaves it whole: single files (`atomic`) and folders of checkpoints (`folders`)."""
