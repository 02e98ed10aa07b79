package witness

import (
	"slices"
	"testing"

	"sourdine/vault/translog"
)

func TestEvents(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	b := newBook(t, s)
	change := s.mustTell(b)
	var told []EventKind
	for _, e := range change.Events {
		told = append(told, e.Kind)
	}
	want := []EventKind{ChannelMade, ReviewerAdded, ChannelMade, ReviewerAdded, ReviewerAdded}
	if !slices.Equal(told, want) {
		t.Fatalf("told %v", told)
	}
	id := s.submit(nice, sent)
	renamed := p.alice
	renamed.name = "Alix"
	s.setRoster(nice, "2026-02-01", renamed, p.carol)
	s.add(translog.Policy{Channel: nice, Day: "2026-02-02", Retention: 10, Limit: 90})
	s.deleteByOrder(id, nice, later, p.bob)
	change = s.mustTell(b)
	from := change.From
	wantEvents := []Event{
		{Kind: ReviewerRemoved, Leaf: from + 1, Channel: nice, Day: "2026-02-01", Epoch: 3, Name: "Bob", Fingerprint: p.bob.finger},
		{Kind: ReviewerRenamed, Leaf: from + 1, Channel: nice, Day: "2026-02-01", Epoch: 3, Name: "Alix", Fingerprint: p.alice.finger},
		{Kind: ReviewerAdded, Leaf: from + 1, Channel: nice, Day: "2026-02-01", Epoch: 3, Name: "Carol", Fingerprint: p.carol.finger},
		{Kind: PolicyChanged, Leaf: from + 2, Channel: nice, Day: "2026-02-02", Retention: 10, Limit: 90},
		{Kind: SubmissionDeleted, Leaf: from + 3, Channel: nice, Day: later, ID: id, Reason: translog.ByOrder,
			Name: "Bob", Fingerprint: p.bob.finger, Order: change.Events[len(change.Events)-1].Order},
	}
	if !slices.Equal(change.Events, wantEvents) {
		t.Errorf("told %+v", change.Events)
	}
	again, err := b.Events(from)
	if err != nil || !slices.Equal(again, change.Events) {
		t.Errorf("told again %+v %v", again, err)
	}
	if all, err := b.Events(0); err != nil || len(all) != len(want)+len(wantEvents) {
		t.Error(len(all), err)
	}
	if none, err := b.Events(s.size()); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
}
