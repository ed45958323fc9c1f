package analyze

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wsleuth/wsleuth/"

// walls says what each package may import of this module, and why. The first
// row whose prefix fits counts.
var walls = []struct {
	prefix string
	may    []string
	why    string
}{
	{"cmd/", []string{""}, "the program wires everything"},
	{"capture/link", []string{"capture"}, "link layers read packets and nothing above them"},
	{"capture/live", []string{"capture"}, "sniffing makes packets and knows nothing of their contents"},
	{"capture/evidence", []string{"capture"}, "writing packets needs no judgement"},
	{"capture", nil, "packets come in without knowing who reads them"},
	{"reassembly", []string{"capture", "capture/link"}, "TCP knows no application"},
	{"analyze/wire/", nil, "parsers are pure: bytes in, values out"},
	{"analyze/record", []string{"analyze/wire/"}, "records use the parsers' codes only"},
	{"analyze/decrypt", []string{"analyze/wire/tls"}, "decryption needs records and handshakes only"},
	{"analyze/track", []string{"reassembly", "analyze/wire/", "analyze/decrypt", "analyze/record"}, "the tracker knows no rule"},
	{"analyze/correlate", []string{"analyze/record"}, "relations are between records"},
	{"analyze/rule", []string{"analyze/record"}, "rules judge records, never packets"},
	{"analyze/catalog", []string{"analyze/rule", "analyze/record", "analyze/wire/", "analyze/catalog/"}, "rules judge records; parsers give them names for codes"},
	{"analyze", []string{"capture", "capture/link", "reassembly", "analyze/"}, "the pipeline never knows how a result is printed"},
	{"report", []string{"analyze/record", "report"}, "a saved result renders without packet code"},
}

// gopacket may only be imported by these: everything above sees our own types.
var gopacketUsers = []string{"capture", "reassembly"}

func TestImportsFlowOneWay(t *testing.T) {
	checked := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		checked++
		pkg := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(filepath.ToSlash(path), "../")))
		for _, imported := range file.Imports {
			name, _ := strconv.Unquote(imported.Path.Value)
			checkImport(t, path, pkg, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 20 {
		t.Fatalf("only %d files were looked at", checked)
	}
}

func checkImport(t *testing.T, path, pkg, name string) {
	t.Helper()
	if strings.HasPrefix(name, "github.com/gopacket/") {
		if top, _, _ := strings.Cut(pkg, "/"); !slices.Contains(gopacketUsers, top) {
			t.Errorf("%s imports %s: gopacket lives only in capture and reassembly", path, name)
		}
		return
	}
	inner, ours := strings.CutPrefix(name, module)
	if !ours {
		return
	}
	for _, wall := range walls {
		if pkg != strings.TrimSuffix(wall.prefix, "/") && !strings.HasPrefix(pkg, strings.TrimSuffix(wall.prefix, "/")+"/") {
			continue
		}
		if strings.HasPrefix(inner, strings.TrimSuffix(wall.prefix, "/")+"/") && !strings.HasSuffix(wall.prefix, "/") && wall.may != nil {
			return // its own folders
		}
		for _, may := range wall.may {
			if inner == may || may == "" || strings.HasSuffix(may, "/") && strings.HasPrefix(inner, may) {
				return
			}
		}
		if strings.HasPrefix(inner, pkg+"/") {
			return // its own folders
		}
		t.Errorf("%s imports %s: %s", path, inner, wall.why)
		return
	}
	t.Errorf("%s: no wall is known for package %s", path, pkg)
}
