package pickup

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"sourdine/vault/lang"
)

const (
	// maxUpload is more than the largest return parcel with its form, in bytes:
	// order.MaxReturn, order.MaxDeletions, order.MaxFiles, and a kilobyte of tar around each file.
	maxUpload = 160 << 20

	// silence is how long an upload may stand still, and how long in all while
	// nothing of it has come.
	silence = 2 * time.Minute

	// pace is how many bytes give an upload another second. Tor is faster.
	pace = 8 << 10

	// maxUploads is how many are read at once: each takes order.MaxReturn and
	// order.MaxDeletions in memory before its signatures are read.
	maxUploads = 4

	fieldName = "parcel"
)

// A Refusal is why a return parcel was refused as a whole. The page has a text
// for each reason.
type Refusal struct {
	Reason        string // one of the Refused constants
	Got, Expected uint64 // numbers of return parcels
}

func (r *Refusal) Error() string { return "refused: " + r.Reason }

// The reasons of a [Refusal], as the ids of their texts.
const (
	RefusedOther     = "refused_other"     // it is no return parcel, or damaged
	RefusedServer    = "refused_server"    // for another server
	RefusedStranger  = "refused_stranger"  // nobody here has that key
	RefusedSignature = "refused_signature" // altered, or signed by another key
	RefusedKey       = "refused_key"       // the key has expired or is revoked
	RefusedCutOff    = "refused_cut_off"
	RefusedOlder     = "refused_older"
	RefusedMissing   = "refused_missing"  // one before it is missing
	RefusedRestored  = "refused_restored" // the desk does not know yet that the server was restored
	RefusedLog       = "refused_log"      // the desk has seen another log
	RefusedLarge     = "refused_large"
	RefusedNothing   = "refused_nothing" // no file was chosen
)

// An outcomePage shows what became of a return parcel.
type outcomePage struct {
	T       *lang.Texts
	Refusal *Refusal
	Outcome
}

// An Outcome is what a return parcel did, or had done when it was brought before.
type Outcome struct {
	Again        bool
	Acknowledged int
	Opened       int
	Replies      int
	Envelopes    int
	Deleted      int
	Refused      int
	Reasons      map[string]int // why, as order.Reason has the words, and how often
}

// A reasonCount is how many things were refused for one reason.
type reasonCount struct {
	Text string
	N    int
}

// Because lists the reasons in a fixed order; one without a text is left out.
func (o Outcome) Because() (list []reasonCount) {
	for _, text := range []string{"reason_unknown", "reason_role", "reason_channel", "reason_deleted",
		"reason_epoch", "reason_renewed", "reason_recipients", "reason_form", "reason_full"} {
		if n := o.Reasons[strings.TrimPrefix(text, "reason_")]; n > 0 {
			list = append(list, reasonCount{text, n})
		}
	}
	return list
}

// apply takes a return parcel as it arrives: no part of it is written to a disk.
func (s *Site) apply(w http.ResponseWriter, r *http.Request) {
	defer s.plans.forget()
	body := &patient{r: http.MaxBytesReader(w, r.Body, maxUpload), extend: http.NewResponseController(w).SetReadDeadline}
	r.Body = io.NopCloser(body)
	page := outcomePage{T: s.textsFor(r)}
	var err error
	if page.Outcome, err = s.applyPart(r); err == nil {
		_, _ = io.Copy(io.Discard, body) // see below
		s.show(w, http.StatusOK, "outcome.html", page)
		return
	}
	if tooLarge := new(http.MaxBytesError); errors.As(body.err, &tooLarge) {
		err = &Refusal{Reason: RefusedLarge}
	}
	switch {
	case errors.As(err, &page.Refusal):
		// A browser reads the answer only when its upload was taken.
		_, _ = io.Copy(io.Discard, body)
		s.show(w, http.StatusUnprocessableEntity, "outcome.html", page)
	case body.err != nil, r.Context().Err() != nil: // the reviewer is gone
		panic(http.ErrAbortHandler)
	default:
		s.event("apply_failed")
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}

// applyPart waits for its turn before it reads the first byte.
func (s *Site) applyPart(r *http.Request) (Outcome, error) {
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	case <-r.Context().Done():
		return Outcome{}, r.Context().Err()
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return Outcome{}, &Refusal{Reason: RefusedNothing}
	}
	part, err := parts.NextRawPart()
	if err != nil || part.FormName() != fieldName || part.FileName() == "" {
		return Outcome{}, &Refusal{Reason: RefusedNothing}
	}
	return s.server.Apply(r.Context(), part)
}

// A patient reader lets an upload take as long as it moves: [silence], and a second
// more for each [pace] bytes that it brought. What the server takes does not count.
type patient struct {
	r      io.Reader
	extend func(time.Time) error
	n      int64         // bytes that were read
	waited time.Duration // for them
	err    error         // other than io.EOF
}

func (p *patient) Read(b []byte) (int, error) {
	began := time.Now()
	left := silence + time.Duration(p.n/pace)*time.Second - p.waited
	_ = p.extend(began.Add(min(silence, left))) // not every connection has deadlines
	n, err := p.r.Read(b)
	p.n += int64(n)
	p.waited += time.Since(began)
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n, err
}
