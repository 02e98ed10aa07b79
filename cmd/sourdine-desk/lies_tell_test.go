package main

import (
	"bytes"
	"slices"
	"strings"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/unseal/unsealtest"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
)

// What a server can do to a parcel.

func (s *scene) dropThis(f *desktest.Forgery) { s.drop(f, this) }

func (s *scene) drop(f *desktest.Forgery, message string) {
	f.Index.Submissions = slices.DeleteFunc(f.Index.Submissions, func(p parcel.Submission) bool { return p.ID == s.ids[message] })
}

func (s *scene) swapWithin(f *desktest.Forgery) { s.swap(f, s.payload(this, 1), s.payload(this, 2)) }

func (s *scene) swapBetween(f *desktest.Forgery) { s.swap(f, s.payload(this, 1), s.payload(other, 1)) }

func (s *scene) swap(f *desktest.Forgery, a, b string) {
	f.Files[a], f.Files[b] = f.Files[b], f.Files[a]
}

// addRecipient puts a stranger's packet behind those of the reviewers.
func (s *scene) addRecipient(f *desktest.Forgery) {
	f.Files[s.envelope(this)] = slices.Concat(f.Files[s.envelope(this)], s.spy.Envelope())
}

// hideRecipient adds one that does not say whose it is: a PKESK packet of version
// 6 whose recipient's length is zero (RFC 9580, section 5.1.2).
func (s *scene) hideRecipient(f *desktest.Forgery) {
	body := unsealtest.Body(s.t, s.spy.Envelope())
	nameless := slices.Concat([]byte{body[0], 0}, body[2+int(body[1]):])
	packet := unsealtest.Packet(nameless)
	packet[0] = 0xc0 | 1 // a PKESK packet
	f.Files[s.envelope(this)] = slices.Concat(f.Files[s.envelope(this)], packet)
}

// cut cuts the large file of a submission at a place that package unsealtest
// knows.
func cut(message, place string) func(*scene, *desktest.Forgery) {
	return func(s *scene, f *desktest.Forgery) {
		name := s.payload(message, 1)
		f.Files[name] = unsealtest.Cut(s.t, f.Files[name], place)
	}
}

// exchange puts a payload in another one's place.
func (s *scene) exchange(f *desktest.Forgery) {
	f.Files[s.payload(this, 2)] = f.Files[s.payload(this, 1)]
}

// nothing: that the parcel comes now is the lie.
func (s *scene) nothing(*desktest.Forgery) {}

// hide leaves a submission out of the log, as if it had never come.
func (s *scene) hide(f *desktest.Forgery) {
	s.drop(f, this)
	f.Leaves = slices.DeleteFunc(f.Leaves, func(leaf []byte) bool { return isOf(leaf, s.ids[this]) })
	for i := range f.Index.Submissions {
		id := f.Index.Submissions[i].ID
		f.Index.Submissions[i].Leaf = int64(slices.IndexFunc(f.Leaves, func(leaf []byte) bool { return isOf(leaf, id) }))
	}
}

func isOf(leaf []byte, id string) bool {
	return bytes.Contains(leaf, []byte(`"kind":"submission","id":"`+id))
}

// promiseMore says that one that was dropped follows, although it cannot.
func (s *scene) promiseMore(f *desktest.Forgery) {
	s.dropThis(f)
	f.Index.Left = 1
}

// beginLater leaves out the beginning, as if an earlier part had it.
func (s *scene) beginLater(f *desktest.Forgery) {
	f.Index.Submissions, f.Index.After = nil, f.Index.Submissions[len(f.Index.Submissions)-1].ID
}

func (s *scene) forAnother(f *desktest.Forgery) {
	s.dropThis(f)
	f.Index.Reviewer = strings.Repeat("AB", 32)
}

// deleteFor takes a submission away and says in the log why.
func (s *scene) deleteFor(f *desktest.Forgery, d translog.Deletion) {
	d.ID, d.Channel, d.Day = s.ids[this], "Nice", s.vault.Day
	s.deleteAs(f, this, d)
}

func (s *scene) deleteAs(f *desktest.Forgery, message string, d translog.Deletion) {
	s.drop(f, message)
	leaf, err := translog.Encode(d)
	if err != nil {
		s.t.Fatal(err)
	}
	f.Leaves = append(f.Leaves, leaf)
}

func (s *scene) deleteUnordered(f *desktest.Forgery) {
	s.deleteFor(f, translog.Deletion{Reason: translog.ByOrder, By: s.reviewer, Order: strings.Repeat("ab", 32)})
}

// deleteByAnother uses the reviewer's order to delete something else.
func (s *scene) deleteByAnother(f *desktest.Forgery) {
	s.deleteFor(f, translog.Deletion{Reason: translog.ByOrder, By: s.reviewer, Order: s.orderIn(f)})
}

// alterOrder changes the signature of the reviewer's order.
func (s *scene) alterOrder(f *desktest.Forgery) {
	name := "orders/" + s.orderIn(f) + ".txt"
	altered := bytes.Clone(f.Files[name])
	altered[len(altered)/2] ^= 2
	f.Files[name] = altered
}

func (s *scene) orderIn(f *desktest.Forgery) string {
	for name := range f.Files {
		if sum, ok := strings.CutPrefix(name, "orders/"); ok {
			return strings.TrimSuffix(sum, ".txt")
		}
	}
	s.t.Fatal("the parcel brings no order")
	return ""
}

func (s *scene) deleteUnread(f *desktest.Forgery) {
	s.deleteFor(f, translog.Deletion{Reason: translog.ByRetention})
}

// deleteAhead lets a limit of 30 days pass by the day that it writes.
func (s *scene) deleteAhead(f *desktest.Forgery) {
	s.deleteAs(f, gnupg, translog.Deletion{ID: s.ids[gnupg], Channel: "Lyon", Day: "2100-01-01", Reason: translog.ByLimit})
}

// lackLeaves brings the first leaf only.
func (s *scene) lackLeaves(f *desktest.Forgery) {
	f.Replace["leaves.jsonl"] = append(bytes.Clone(f.Leaves[0]), '\n')
}

// spoilEnvelope lets it name whom it should, and not open.
func (s *scene) spoilEnvelope(f *desktest.Forgery) {
	envelope := bytes.Clone(f.Files[s.envelope(this)])
	envelope[len(envelope)-1] ^= 1
	f.Files[s.envelope(this)] = envelope
}

// cutManifest takes a byte from it.
func (s *scene) cutManifest(f *desktest.Forgery) {
	name := s.payload(this, 0)
	f.Files[name] = f.Files[name][:len(f.Files[name])-1]
}

// agreed is a lie that was told before the vault wrote its log, which agrees.
func agreed(tell func(*scene, *desktest.Forgery)) func(*scene, *desktest.Forgery) {
	return func(s *scene, f *desktest.Forgery) {
		tell(s, f)
		for _, message := range everything {
			s.agree(f, message)
		}
	}
}

func (s *scene) deleteByNoLimit(f *desktest.Forgery) {
	s.deleteFor(f, translog.Deletion{Reason: translog.ByLimit})
}
