// Prometheus's own parser reads PromQL expressions, one a line on stdin, and says what each of them asks for.
//
// It prints one JSON object a line: either {"error": …} or {"metrics": [{"name": …, "labels": […]}], "groupings": […]}: the
// metrics that are selected with the labels that they are selected by, and the labels that are grouped, matched or joined by.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

type metric struct {
	Name   string   `json:"name"`
	Labels []string `json:"labels"`
}

type answer struct {
	Error     string   `json:"error,omitempty"`
	Metrics   []metric `json:"metrics"`
	Groupings []string `json:"groupings"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(read(lines.Text())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}

func read(expression string) answer {
	found := answer{Metrics: []metric{}, Groupings: []string{}}
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return answer{Error: err.Error()}
	}
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			selected := metric{Name: node.Name, Labels: []string{}}
			for _, matcher := range node.LabelMatchers {
				if matcher.Name != labels.MetricName {
					selected.Labels = append(selected.Labels, matcher.Name)
				}
			}
			found.Metrics = append(found.Metrics, selected)
		case *parser.AggregateExpr:
			found.Groupings = append(found.Groupings, node.Grouping...)
		case *parser.BinaryExpr:
			if node.VectorMatching != nil {
				found.Groupings = append(found.Groupings, node.VectorMatching.MatchingLabels...)
				found.Groupings = append(found.Groupings, node.VectorMatching.Include...)
			}
		}
		return nil
	})
	return found
}
