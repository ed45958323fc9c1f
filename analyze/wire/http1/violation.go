package http1

import "fmt"

// ViolationCode names a departure from RFC 9112 or RFC 9110.
type ViolationCode uint8

const (
	BareLF             ViolationCode = iota + 1 // a line ends without CR; named once for a head (RFC 9112 section 2.2)
	ObsFold                                     // a field is folded over lines (section 5.2)
	SpaceBeforeColon                            // white space between name and colon (section 5.1)
	NoColon                                     // a field line without a colon (section 5)
	BadName                                     // a field name that is no token (RFC 9110 section 5.1)
	ControlInValue                              // a control character, NUL or bare CR in a field value (RFC 9110 section 5.5)
	ControlInStartLine                          // the same in the start line
	BadVersion                                  // a version other than HTTP/1.0 and HTTP/1.1 (section 2.3)
	MissingVersion                              // a start line without a version
	ExtraSpaces                                 // more white space in the start line than one space between its parts (section 3)
	SpaceInTarget                               // white space within the request target (section 3.2)
	MissingTarget                               // a request line without a target
	BadStatus                                   // a status that is not three digits from 100 to 599 (RFC 9110 section 15)
	EmptyLineBefore                             // an empty line before the start line (section 2.2)
	SpaceBeforeField                            // white space between the start line and the first field (section 2.2)
	BadLength                                   // a Content-Length that is no number (section 6.3)
	ConflictingLength                           // Content-Lengths that differ (section 6.3)
	LengthAndCoding                             // Content-Length beside Transfer-Encoding (section 6.1)
	BadCoding                                   // a Transfer-Encoding whose last coding is not chunked (section 6.1)
)

var violationNames = [...]string{
	BareLF: "bare-lf", ObsFold: "obs-fold", SpaceBeforeColon: "space-before-colon", NoColon: "no-colon",
	BadName: "bad-name", ControlInValue: "control-in-value", ControlInStartLine: "control-in-start-line",
	BadVersion: "bad-version", MissingVersion: "missing-version", ExtraSpaces: "extra-spaces",
	SpaceInTarget: "space-in-target", MissingTarget: "missing-target", BadStatus: "bad-status",
	EmptyLineBefore: "empty-line-before", SpaceBeforeField: "space-before-field", BadLength: "bad-length",
	ConflictingLength: "conflicting-length", LengthAndCoding: "length-and-coding", BadCoding: "bad-coding",
}

// String names the code.
func (c ViolationCode) String() string {
	if int(c) < len(violationNames) && violationNames[c] != "" {
		return violationNames[c]
	}
	return fmt.Sprintf("violation %d", uint8(c))
}

// Violation is one departure and the stream offset of the line it is in.
type Violation struct {
	Code ViolationCode
	At   int64
}

// Violates tells whether the head has a violation of this code among those listed.
func (h *Head) Violates(code ViolationCode) bool {
	for _, v := range h.Violations {
		if v.Code == code {
			return true
		}
	}
	return false
}

func (h *Head) violate(code ViolationCode, at int64) {
	if len(h.Violations) >= MaxViolations {
		h.MoreViolations++
		return
	}
	h.Violations = append(h.Violations, Violation{code, at})
}
