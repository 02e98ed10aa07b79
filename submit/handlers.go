package submit

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"sourdine/submit/mailbox"
	"sourdine/submit/passphrase"
	"sourdine/vault"
)

// maxMailboxForm is the largest body of the mailbox's form, in bytes.
const maxMailboxForm = 4 << 10

func (s *Site) home(w http.ResponseWriter, r *http.Request) {
	channels, err := s.channels()
	if err != nil {
		s.fail(w, r, asProblem(err))
		return
	}
	s.show(w, r, http.StatusOK, "home", homePage{Channels: channels, Limits: s.limits})
}

// form shows the passphrase before anything is sent, so that a broken
// connection never strands the source.
func (s *Site) form(w http.ResponseWriter, r *http.Request) {
	channels, err := s.channels()
	if err != nil {
		s.fail(w, r, asProblem(err))
		return
	}
	if len(channels) == 0 {
		s.fail(w, r, errClosed)
		return
	}
	words := s.dictionary.Spell(s.dictionary.Generate(s.textsFor(r).Code()))
	s.show(w, r, http.StatusOK, "form", formPage{Words: words, Channels: channels, Limits: s.limits})
}

func (s *Site) receive(w http.ResponseWriter, r *http.Request) {
	parts, err := newParts(w, r, s.limits)
	defer parts.forget()
	if err == nil {
		var done *submitted
		done, err = s.take(r.Context(), parts, s.textsFor(r).Code())
		if err == nil {
			// No event: a log's lines have times, and this one is a source's.
			s.show(w, r, http.StatusOK, "receipt", receiptPage{Words: done.words, Receipt: withLimits(s.vault, done.receipt)[0]})
			return
		}
	}
	p := asProblem(err)
	if p.ID == errStorage.ID && r.Context().Err() == nil {
		s.event("storage_failed")
	}
	parts.drain(s.limits.Total)
	s.fail(w, r, p)
}

// ensureMailbox returns the mailbox's key: the stored one, or a new one.
func (s *Site) ensureMailbox(ctx context.Context, access mailbox.Access) (mailbox.Key, error) {
	locked, err := s.vault.MailboxKey(access.ID)
	if errors.Is(err, vault.ErrNotFound) {
		var fresh []byte
		if _, fresh, err = access.Generate(); err != nil {
			return mailbox.Key{}, err
		}
		locked, err = s.vault.EnsureMailbox(ctx, access.ID, fresh)
	}
	if err != nil {
		return mailbox.Key{}, err
	}
	return access.Unlock(locked)
}

func (s *Site) mailboxDoor(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "door", nil)
}

func (s *Site) mailbox(w http.ResponseWriter, r *http.Request) {
	page, err := s.openMailbox(w, r)
	if err != nil {
		s.fail(w, r, asProblem(err))
		return
	}
	s.show(w, r, http.StatusOK, "mailbox", page)
}

// maxReceipts is how many receipts a mailbox shows: opening one costs a
// millisecond, and a page must not grow without end.
const maxReceipts = 200

// maxReplies is likewise how many replies: the vault takes no more.
const maxReplies = 50

// openMailbox answers a wrong and an unknown passphrase alike.
func (s *Site) openMailbox(w http.ResponseWriter, r *http.Request) (page mailboxPage, err error) {
	words, err := s.readWords(w, r)
	if err != nil {
		return page, err
	}
	access, err := s.deriver.Derive(r.Context(), words.Canonical())
	if err != nil {
		return page, err
	}
	locked, err := s.vault.MailboxKey(access.ID)
	if errors.Is(err, vault.ErrNotFound) {
		return page, errNoMailbox
	}
	if err != nil {
		return page, err
	}
	key, err := access.Unlock(locked)
	if err != nil {
		return page, err
	}
	sealed, more, err := s.vault.Receipts(access.ID, maxReceipts)
	if err != nil {
		return page, err
	}
	page.More = more
	receipts, err := openReceipts(key, sealed)
	if err != nil {
		return page, err
	}
	page.Receipts = withLimits(s.vault, receipts...)
	sealed, more, err = s.vault.Replies(access.ID, maxReplies)
	page.Replies, page.More = openReplies(key, sealed), page.More || more
	return page, err
}

// openReplies opens what reviewers wrote. One that does not open keeps no other
// from being read.
func openReplies(key mailbox.Key, sealed [][]byte) []reply {
	replies := make([]reply, 0, len(sealed))
	for _, raw := range sealed {
		text, err := key.OpenReply(raw)
		replies = append(replies, reply{Text: text, Opened: err == nil})
	}
	// The vault keeps no order, and a reply has no day: the same at every visit.
	slices.SortFunc(replies, func(a, b reply) int { return strings.Compare(a.Text, b.Text) })
	return replies
}

func (s *Site) readWords(w http.ResponseWriter, r *http.Request) (passphrase.Passphrase, error) {
	var none passphrase.Passphrase
	// ParseForm reads a form of this type only, into memory, within the bound.
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/x-www-form-urlencoded" {
		return none, errMalformed
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxMailboxForm)
	if err := r.ParseForm(); err != nil {
		return none, errMalformed
	}
	words, err := s.dictionary.Parse(r.PostForm.Get("passphrase"))
	if err != nil {
		return none, errNoMailbox
	}
	return words, nil
}

// openReceipts opens and sorts by day, the newest first: the vault keeps no
// order.
func openReceipts(key mailbox.Key, sealed [][]byte) ([]mailbox.Receipt, error) {
	receipts := make([]mailbox.Receipt, 0, len(sealed))
	for _, raw := range sealed {
		receipt, err := key.Open(raw)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, receipt)
	}
	slices.SortStableFunc(receipts, func(a, b mailbox.Receipt) int { return strings.Compare(b.Day, a.Day) })
	return receipts, nil
}

// show renders a page whole before it sends the first byte.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, name string, body any) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name+".html", s.page(r, name, body)); err != nil {
		s.event("page_failed")
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(silence))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// The source may be gone; there is nobody to tell.
	_, _ = b.WriteTo(w)
}

func (s *Site) fail(w http.ResponseWriter, r *http.Request, p problem) {
	s.show(w, r, p.Status, "problem", problemPage{problem: p, texts: s.textsFor(r)})
}
