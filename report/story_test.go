package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// only passes on the connections with one of these IDs.
type only struct {
	Renderer
	ids map[string]bool
}

func (o only) Connection(c *record.Connection) error {
	if !o.ids[c.ID] {
		return nil
	}
	return o.Renderer.Connection(c)
}

func tell(t *testing.T, name string, columns int, ids ...string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out bytes.Buffer
	chosen := only{NewStory(&out, Options{Width: columns}), make(map[string]bool)}
	for _, id := range ids {
		chosen.ids[id] = true
	}
	if _, err := Read(f, chosen); err != nil {
		t.Fatal(err)
	}
	if err := chosen.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestStory(t *testing.T) {
	for _, one := range []struct{ name, id string }{{"mixed", "1"}, {"mixed", "40"}, {"healthy", "100"}, {"storm", "2:1"}, {"hostile", "5"}} {
		for _, columns := range []int{80, 120} {
			t.Run(fmt.Sprintf("%s-%s-%d", one.name, one.id, columns), func(t *testing.T) {
				file := fmt.Sprintf("%s.%d.story.golden", one.name, columns)
				if one.id == "40" {
					file = "idle" + file[len("mixed"):]
				}
				golden(t, file, tell(t, one.name, columns, one.id))
			})
		}
	}
}

// A stream of HTTP/2 begins after its connection, whose events are told before it.
func TestStoryOfAStream(t *testing.T) {
	var out bytes.Buffer
	story := NewStory(&out, Options{Width: 80})
	c := sample(1)
	c.Events = []record.Event{{Packet: 1, Time: c.Started - 5e6, From: "client", What: "syn"}, {Packet: 9, Time: c.Started, From: "client", What: "request"}}
	if err := errors.Join(story.Connection(c), story.Close()); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "0.0 ms  client  syn") || !strings.Contains(got, "5.0 ms  client  request") {
		t.Error(got)
	}
}
