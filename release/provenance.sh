#!/usr/bin/env bash
# Prints the provenance (SLSA v1) of the release's files, from the job's own variables: release/provenance.sh
#
# The build type is GitHub's for workflows, as in what `sealwright seal` states of the image. The job that signs says it, not one that
# builds. It is level 2: the builder is a workflow of the same repository.
set -euo pipefail

: "${GITHUB_SERVER_URL:?}" "${GITHUB_REPOSITORY:?}" "${GITHUB_REF:?}" "${GITHUB_SHA:?}" "${GITHUB_WORKFLOW_REF:?}"
: "${GITHUB_EVENT_NAME:?}" "${GITHUB_REPOSITORY_ID:?}" "${GITHUB_REPOSITORY_OWNER_ID:?}" "${GITHUB_RUN_ID:?}" "${GITHUB_RUN_ATTEMPT:?}"

jq --null-input '
  (env.GITHUB_SERVER_URL + "/" + env.GITHUB_REPOSITORY) as $repository
  | (env.GITHUB_WORKFLOW_REF | ltrimstr(env.GITHUB_REPOSITORY + "/") | split("@")[0]) as $path
  | {
    buildDefinition: {
      buildType: "https://actions.github.io/buildtypes/workflow/v1",
      externalParameters: { workflow: { ref: env.GITHUB_REF, repository: $repository, path: $path } },
      internalParameters: { github: {
        event_name: env.GITHUB_EVENT_NAME, repository_id: env.GITHUB_REPOSITORY_ID,
        repository_owner_id: env.GITHUB_REPOSITORY_OWNER_ID
      } },
      resolvedDependencies: [{
        uri: ("git+" + $repository + "@" + env.GITHUB_REF), digest: { gitCommit: env.GITHUB_SHA }
      }]
    },
    runDetails: {
      builder: { id: (env.GITHUB_SERVER_URL + "/" + env.GITHUB_WORKFLOW_REF) },
      metadata: { invocationId: ($repository + "/actions/runs/" + env.GITHUB_RUN_ID + "/attempts/" + env.GITHUB_RUN_ATTEMPT) }
    }
  }'
