package journalist

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/spoken"
)

// A logPage is what the desk has seen of the server's log, and thinks of it.
type logPage struct {
	Size       int64
	Checkpoint string // signed; empty before the first import
	Head       desk.LogHead
	VaultKey   string
	Restored   []shownRestoration
	Mistake    string // a text's id
	Findings   []shownFinding
	Events     []shownEvent
	// Of what the server made up in too great a number, how many are not listed.
	MoreFindings, MoreEvents int
}

// A shownFinding is one that a person can confirm.
type shownFinding struct {
	witness.Finding
	Key   string
	Known bool
	Later bool // it is of another copy than the one here
}

type shownEvent struct {
	witness.Event
	Key   string
	Known bool
	Own   bool // it is about this reviewer
}

func (s *Site) log(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	return s.showLog(w, r, d, http.StatusOK, "")
}

func (s *Site) showLog(w http.ResponseWriter, r *http.Request, d *desk.Desk, status int, mistake string) error {
	f, err := d.Findings()
	if err != nil {
		return err
	}
	page := logPage{Mistake: mistake, Events: showEvents(f, d.Fingerprint())}
	if page.Restored, err = restorations(r, d); err != nil {
		return err
	}
	page.Findings = showFindings(f, page.Restored)
	page.MoreFindings, page.MoreEvents = f.Unlisted()
	if page.VaultKey, err = d.VaultKey(); err != nil {
		return err
	}
	page.Head, err = d.LogHead()
	if err != nil && !errors.Is(err, desk.ErrNoVault) {
		return err
	}
	page.Size, page.Checkpoint = page.Head.Size, string(page.Head.Checkpoint)
	s.show(w, r, status, "log", page)
	return nil
}

// showFindings lists what is wrong, what nobody confirmed before the rest. That a
// parcel waits for a restoration to be accepted stands above them.
func showFindings(f *desk.Findings, waiting []shownRestoration) []shownFinding {
	var all []shownFinding
	for _, one := range f.All() {
		if one.Kind == witness.Restored && slices.ContainsFunc(waiting, func(r shownRestoration) bool { return r.Sum == one.Sum }) {
			continue
		}
		key := desk.FindingKey(one)
		all = append(all, shownFinding{one, key, f.Known[key], one.ID != "" && slices.Contains(f.Parcels, one)})
	}
	slices.SortStableFunc(all, func(a, b shownFinding) int { return knownLast(a.Known, b.Known) })
	return all
}

// showEvents lists what happened, the last first.
func showEvents(f *desk.Findings, self string) []shownEvent {
	var all []shownEvent
	for _, e := range slices.Backward(f.Events) {
		key := desk.EventKey(e)
		all = append(all, shownEvent{e, key, f.Known[key], e.Fingerprint == self})
	}
	slices.SortStableFunc(all, func(a, b shownEvent) int { return knownLast(a.Known, b.Known) })
	return all
}

func knownLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// know notes that the reviewer knows of an event or a finding.
func (s *Site) know(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	if err := d.Know(r.PostForm.Get("key")); err != nil {
		return err
	}
	http.Redirect(w, r, "/log", http.StatusSeeOther)
	return nil
}

func (s *Site) toLog(w http.ResponseWriter, r *http.Request, _ *desk.Desk) error {
	http.Redirect(w, r, "/log", http.StatusSeeOther)
	return nil
}

// Finding explains what is wrong, and what to do.
func (v view) Finding(f witness.Finding) string {
	if slices.Contains(desk.Kinds(), f.Kind) {
		return v.Text("finding_" + strings.ReplaceAll(string(f.Kind), "-", "_"))
	}
	return v.Text("finding_other")
}

// Details are what the kind of a finding does not say.
func (v view) Details(f witness.Finding) []string {
	var parts []string
	add := func(id string, value any) { parts = append(parts, v.Text(id, v.Map("Value", value))) }
	switch {
	case f.Kind == desk.StoredDamaged && f.Item < 0:
		parts = append(parts, v.Text("detail_envelope"))
	case f.Item > 0:
		add("detail_file", f.Item)
	case desk.AboutItem(f.Kind):
		parts = append(parts, v.Text("detail_manifest"))
	}
	if f.Name != "" {
		add("detail_reviewer", v.Line(f.Name))
	}
	for _, key := range []string{f.Fingerprint, f.Key, f.KeyID} {
		if key != "" {
			add("detail_key", v.Line(key))
			break
		}
	}
	if f.Channel != "" {
		add("detail_channel", v.Line(f.Channel))
	}
	if f.Day != "" {
		add("detail_day", v.Day(f.Day))
	}
	if f.Kind == desk.ReceiptForeign {
		add("detail_return", f.Given)
	} else if f.Kind == witness.LeafBackdated || f.Kind == witness.LeafAhead {
		parts = append(parts, v.Count("leaves", int(f.Known)))
	} else if f.Known != 0 || f.Given != 0 {
		parts = append(parts, v.Text("detail_sizes", map[string]any{"Known": f.Known, "Given": f.Given}))
	}
	return parts
}

// Event says what happened.
func (v view) Event(e shownEvent) string {
	id := "event_" + strings.ReplaceAll(string(e.Kind), "-", "_")
	switch {
	case e.Kind == witness.ServerRestored:
		return v.restoredEvent(e)
	case e.Own && e.Kind == witness.ReviewerAdded:
		id = "event_own_key"
	case e.More > 0:
		id = moreText(e.Kind)
	}
	if !slices.Contains(eventTexts(), id) {
		id = "event_other"
	}
	return v.Text(id, map[string]any{"Channel": v.Line(e.Channel), "Day": v.Day(e.Day), "Name": v.Line(e.Name), "More": e.More,
		"Retention": v.term(e.Retention), "Limit": v.term(e.Limit)})
}

// moreText is of what a roster changed beside what is told one by one.
func moreText(kind witness.EventKind) string {
	switch kind {
	case witness.ReviewerAdded:
		return "event_more_added"
	case witness.ReviewerRemoved:
		return "event_more_removed"
	case witness.ReviewerRenamed:
		return "event_more_renamed"
	}
	return "event_other"
}

// restoredEvent says that the server was restored, and what that took.
func (v view) restoredEvent(e shownEvent) string {
	says := v.Text("event_server_restored", v.Map("Day", v.Day(e.Day)))
	if e.Gone == 0 {
		return says + " " + v.Text("event_nothing_gone")
	}
	says += " " + v.Count("entries_gone", int(e.Gone))
	if e.Back > 0 {
		says += " " + v.Count("deleted_back", e.Back)
	}
	return says
}

// eventTexts are the ids of what the catalogues say of events.
func eventTexts() []string {
	return []string{"event_reviewer_added", "event_reviewer_removed", "event_reviewer_renamed", "event_policy_changed", "event_own_key",
		"event_more_added", "event_more_removed", "event_more_renamed", "event_other"}
}

// term is a number of days, or without end.
func (v view) term(days int) string {
	if days == 0 {
		return v.Text("term_none")
	}
	return v.Count("days", days)
}

// LeafCount is how many leaves the page says the desk has seen.
func (p logPage) LeafCount() int { return int(p.Size) }

// KeyWords tells a key in words to compare.
func (v view) KeyWords(key string) string { return strings.Join(spoken.Words(key, v.Code()), " ") }

// HeadWords tells the head of the log in words to compare.
func (v view) HeadWords(head desk.LogHead) string {
	return strings.Join(spoken.Checkpoint(head.Checkpoint, v.Code()), " ")
}
