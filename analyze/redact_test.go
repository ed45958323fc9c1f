package analyze

import "testing"

// TestRedactedTargets: what is secret in a URL goes, the rest stays.
func TestRedactedTargets(t *testing.T) {
	const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln"
	for target, want := range map[string]string{
		"/chat?room=5&token=a/b?c=d#top":                  "/chat?room=5&token=[redacted]#top",
		"/chat?ID_Token=x&X-Amz-Signature=y":              "/chat?ID_Token=[redacted]&X-Amz-Signature=[redacted]",
		"/chat?to%6ben=x&token=&keyboard=de":              "/chat?to%6ben=[redacted]&token=&keyboard=de",
		"/a;v=1;token=x/b;key=y":                          "/a;v=1;token=[redacted]/b;key=[redacted]",
		"/ws/" + jwt + "/eyJust.one.x":                    "/ws/[redacted]/[redacted]",
		"/ws/eyJust.one":                                  "/ws/eyJust.one",
		"wss://me:pass@app.test/x?y=me@here":              "wss://[redacted]@app.test/x?y=me@here",
		"wss://app.test/@x":                               "wss://app.test/@x",
		"https://me:pass@app.test":                        "https://[redacted]@app.test",
		"https://app.test/#access_token=abcdefgh&state=1": "https://app.test/#access_token=[redacted]&state=1",
		"":  "",
		"*": "*",
	} {
		var s secrets
		if got := s.target(target); got != want {
			t.Errorf("%q becomes %q, want %q", target, got, want)
		}
	}
}
