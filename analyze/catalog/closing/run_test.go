package closing

import (
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// caseOf is one case of one rule. Without title the rule stays silent.
type caseOf struct {
	code, name string
	change     func(*record.Connection)
	title      string // part of the title
	remedy     string // part of the remedy
	fault      record.Fault
	severity   record.Severity
	confidence record.Confidence
}

func (tc caseOf) want() ruletest.Want {
	return ruletest.Want{Code: tc.code, Title: tc.title, Remedy: tc.remedy, Fault: tc.fault, Severity: tc.severity, Confidence: tc.confidence}
}

var (
	at, healthy, abnormal, reset = ruletest.At, ruletest.Healthy, ruletest.Abnormal, ruletest.Reset
)

func TestCases(t *testing.T) {
	var wants []ruletest.Want
	for _, tc := range cases {
		wants = append(wants, tc.want())
		t.Run(tc.code+" "+tc.name, func(t *testing.T) {
			c := healthy()
			if tc.change != nil {
				tc.change(c)
			}
			tc.want().Check(t, Rules, c)
		})
	}
	ruletest.Covered(t, Rules, wants)
}

// Every rule sees every connection, so a healthy one must cost no memory.
func TestHealthyIsSilentAndFree(t *testing.T) { ruletest.Free(t, Rules, healthy()) }

func BenchmarkHealthy(b *testing.B) { ruletest.Benchmark(b, Rules, healthy()) }
