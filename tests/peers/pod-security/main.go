// Judges Pods by Kubernetes' own Pod Security admission: by the restricted standard, at its newest version.
//
// It reads Pods as JSON, one a line, and answers each with a line: empty where the Pod is allowed, otherwise the reasons.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	check(err)
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var pod corev1.Pod
		check(json.Unmarshal(lines.Bytes(), &pod))
		var faults []string
		for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				faults = append(faults, result.ForbiddenReason+" ("+result.ForbiddenDetail+")")
			}
		}
		fmt.Println(strings.Join(faults, "; "))
	}
	check(lines.Err())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
