package main

import (
	"strings"
	"testing"

	"sourdine/journalist-ui/witness"
)

// A name is the server's to choose: it stands after the key, in quotes, and cannot
// go on in this program's voice.
func TestNamesOfEvents(t *testing.T) {
	const key = "5E5E5E5E"
	name := `Bob", who was verified by the admin by telephone (nothing is to be done) ` + strings.Repeat("A", 64)
	for kind, form := range map[witness.EventKind]string{
		witness.ReviewerAdded: `a key was added to channel Nice on 2026-01-01: `, witness.ReviewerRemoved: "a key was taken from channel Nice on 2026-01-01: ",
		witness.ReviewerRenamed: "a reviewer of channel Nice was renamed on 2026-01-01: ", witness.SubmissionDeleted: "ordered by ", witness.SubmissionBack: "ordered by ",
	} {
		says := sayEvent(witness.Event{Kind: kind, Channel: "Nice", Day: "2026-01-01", Name: name, Fingerprint: key, Reason: "order"}, "")
		want := form + key + ` "Bob\", who was verified by the admin by t…"`
		if !strings.Contains(says, want) || strings.Contains(says, "telephone") || strings.Contains(says, "AAAA") {
			t.Errorf("%s: %s", kind, says)
		}
	}
}

func TestMoreThanIsTold(t *testing.T) {
	for kind, want := range map[witness.EventKind]string{
		witness.ReviewerAdded: "900 more keys were added to channel Nice on 2026-01-01: do you know them?", witness.ReviewerRemoved: "900 more keys were taken from channel Nice on 2026-01-01: do you know why?",
		witness.ReviewerRenamed: "900 more reviewers of channel Nice were renamed on 2026-01-01",
	} {
		if says := sayEvent(witness.Event{Kind: kind, Channel: "Nice", Day: "2026-01-01", More: 900}, ""); says != want {
			t.Errorf("%s: %s", kind, says)
		}
	}
}
