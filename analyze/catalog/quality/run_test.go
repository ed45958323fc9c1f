package quality

import (
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
)

var (
	at, healthy = ruletest.At, ruletest.Healthy
)

func TestCases(t *testing.T) {
	ruletest.Cases(t, Rules, cases, func(testing.TB) *record.Connection { return healthy() })
}

// Every rule sees every connection, so a healthy one must cost no memory.
func TestHealthyIsSilentAndFree(t *testing.T) { ruletest.Free(t, Rules, healthy()) }

func BenchmarkHealthy(b *testing.B) { ruletest.Benchmark(b, Rules, healthy()) }
