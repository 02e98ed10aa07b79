package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
	"sourdine/journalist-ui/witness"
)

// tellFindings says what is wrong, a line for each thing and one for what to do.
// Names in it are the server's and are shown as text.
func tellFindings(w io.Writer, findings []witness.Finding) {
	for _, f := range findings {
		word := "wrong"
		if f.Kind.Notice() {
			word = "note"
		}
		subject := ""
		if f.ID != "" {
			subject = visible.Line(f.ID) + ": "
		}
		says, hint := desk.Sentence(f.Kind)
		fmt.Fprintf(w, "%s: %s%s%s\n", word, subject, says, details(f))
		fmt.Fprintf(w, "  hint: %s\n", hint)
	}
}

func tellBySubmission(w io.Writer, findings map[string][]witness.Finding) {
	for _, id := range slices.Sorted(maps.Keys(findings)) {
		tellFindings(w, findings[id])
	}
}

// details are what the kind of a finding does not say, in brackets.
func details(f witness.Finding) string {
	var parts []string
	add := func(form string, value any) { parts = append(parts, fmt.Sprintf(form, value)) }
	switch {
	case f.Kind == desk.StoredDamaged && f.Item < 0:
		parts = append(parts, "the envelope")
	case desk.AboutItem(f.Kind) && f.Item == 0:
		parts = append(parts, "the manifest")
	case desk.AboutItem(f.Kind):
		add("file %d", f.Item)
	}
	for _, key := range []string{f.Fingerprint, f.Key, f.KeyID} {
		if key != "" {
			parts = append(parts, "key "+visible.Line(key))
			break
		}
	}
	if f.Name != "" {
		parts = append(parts, "reviewer "+quoted(f.Name))
	}
	if f.Channel != "" {
		parts = append(parts, "channel "+visible.Line(f.Channel))
	}
	if f.Epoch > 0 {
		add("epoch %d", f.Epoch)
	}
	if f.Day != "" {
		parts = append(parts, visible.Line(f.Day))
	}
	if f.Kind == desk.ReceiptForeign {
		add("return parcel %d", f.Given)
	} else if f.Kind == witness.LeafBackdated || f.Kind == witness.LeafAhead {
		add("%d in all", f.Known)
	} else if f.Known != 0 || f.Given != 0 {
		parts = append(parts, fmt.Sprintf("%d here, %d there", f.Known, f.Given))
	}
	if f.Kind == witness.Restored && f.Known > 0 {
		add("%d gone", f.Known-f.Leaf)
	}
	if f.Cause != "" {
		parts = append(parts, visible.Line(f.Cause))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// tellEvents says what happened, and asks where only people can tell.
func tellEvents(w io.Writer, events []witness.Event, self string) {
	for _, e := range events {
		if says := sayEvent(e, self); says != "" {
			fmt.Fprintf(w, "event: %s\n", says)
		}
	}
}

func sayEvent(e witness.Event, self string) string {
	channel, who := visible.Line(e.Channel), keyAndName(e)
	if e.More > 0 {
		return sayMore(e, channel)
	}
	switch e.Kind {
	case witness.ReviewerAdded:
		if e.Fingerprint == self {
			return fmt.Sprintf("your key was added to channel %s on %s", channel, e.Day)
		}
		return fmt.Sprintf("a key was added to channel %s on %s: %s: do you know it?", channel, e.Day, who)
	case witness.ReviewerRemoved:
		return fmt.Sprintf("a key was taken from channel %s on %s: %s: do you know why?", channel, e.Day, who)
	case witness.ReviewerRenamed:
		return fmt.Sprintf("a reviewer of channel %s was renamed on %s: %s", channel, e.Day, who)
	case witness.PolicyChanged:
		return fmt.Sprintf("channel %s keeps submissions otherwise since %s: %s once all have them, %s at the most",
			channel, e.Day, days(e.Retention), days(e.Limit))
	case witness.SubmissionDeleted:
		return fmt.Sprintf("submission %s of channel %s was deleted on %s: %s", visible.Line(e.ID), channel, e.Day, sayReason(e))
	case witness.ServerRestored:
		return sayRestored(e)
	case witness.SubmissionBack:
		return fmt.Sprintf("submission %s of channel %s is back: it had been deleted (%s)", visible.Line(e.ID), channel, sayReason(e))
	case witness.ChannelMade:
		return fmt.Sprintf("channel %s was made on %s", channel, e.Day)
	}
	return ""
}

func sayRestored(e witness.Event) string {
	says := fmt.Sprintf("the server's log says that it was restored from a backup on %s: ", e.Day)
	if e.Gone == 0 {
		return says + "nothing that this desk had seen is gone"
	}
	says += fmt.Sprintf("%d entries of its log that this desk had seen are gone", e.Gone)
	if e.Back > 0 {
		says += fmt.Sprintf(", %d submissions that had been deleted are back", e.Back)
	}
	return says
}

// sayMore tells of the rest of a roster that changed in more places than are told.
func sayMore(e witness.Event, channel string) string {
	switch e.Kind {
	case witness.ReviewerAdded:
		return fmt.Sprintf("%d more keys were added to channel %s on %s: do you know them?", e.More, channel, e.Day)
	case witness.ReviewerRemoved:
		return fmt.Sprintf("%d more keys were taken from channel %s on %s: do you know why?", e.More, channel, e.Day)
	}
	return fmt.Sprintf("%d more reviewers of channel %s were renamed on %s", e.More, channel, e.Day)
}

// maxShownName is how many characters of a name are shown: fewer than a fingerprint
// has, so that none can be spelled there.
const maxShownName = 40

// keyAndName names a reviewer. The name is the server's to choose: it cannot go on in
// this program's words.
func keyAndName(e witness.Event) string {
	return visible.Line(e.Fingerprint) + " " + quoted(e.Name)
}

func quoted(name string) string { return strconv.Quote(visible.Start(name, maxShownName)) }

func sayReason(e witness.Event) string {
	switch e.Reason {
	case "order":
		return "ordered by " + keyAndName(e)
	case "limit":
		return "its channel's limit"
	}
	return "kept long enough"
}

func days(n int) string {
	if n == 0 {
		return "for ever"
	}
	return fmt.Sprintf("%d days", n)
}
