#!/bin/sh
# Create the namespace $TEMPORAL_NAMESPACE on the server at $TEMPORAL_ADDRESS, unless it exists.
set -eu

temporal operator cluster health

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    # What a run did stays in the store; its workflows are kept long enough to look into last month's.
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
fi
