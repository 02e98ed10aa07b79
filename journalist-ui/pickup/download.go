package pickup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"sourdine/vault/lang"
)

var (
	idForm          = regexp.MustCompile(`^([a-z2-7]{26})?$`)
	fingerprintForm = regexp.MustCompile(`^([0-9A-F]{40}|[0-9A-F]{64})?$`)
	sizeForm        = regexp.MustCompile(`^([1-9][0-9]{0,14})?$`)
)

// asked reads what a link asks for, or returns false for what no link says.
func asked(query url.Values) (r Request, ok bool) {
	r.Reviewer, r.After = query.Get("reviewer"), query.Get("after")
	size := query.Get("size")
	if !fingerprintForm.MatchString(r.Reviewer) || !idForm.MatchString(r.After) || !sizeForm.MatchString(size) {
		return r, false
	}
	if size != "" {
		r.Size, _ = strconv.ParseInt(size, 10, 64) // the form leaves no error
	}
	return r, true
}

// Link is the address of a parcel.
func (r Request) Link() string {
	query := url.Values{"size": {strconv.FormatInt(r.Size, 10)}}
	if r.Reviewer != "" {
		query.Set("reviewer", r.Reviewer)
	}
	if r.After != "" {
		query.Set("after", r.After)
	}
	return "/parcel.tar?" + query.Encode()
}

// A partsPage lists the parcels that carry everything for a reviewer.
type partsPage struct {
	T        *lang.Texts
	Reviewer *Reviewer // nil for all
	Parts    []part
}

// A part is one of the parcels.
type part struct {
	N    int
	Link string
}

// parts settles the size of the log, so that its links stay what they are while
// the log grows.
func (s *Site) parts(w http.ResponseWriter, r *http.Request) {
	request, ok := asked(r.URL.Query())
	page := partsPage{T: s.textsFor(r)}
	reviewers, err := s.server.Reviewers(r.Context())
	for i := range reviewers {
		if reviewers[i].Fingerprint == request.Reviewer {
			page.Reviewer = &reviewers[i]
		}
	}
	switch {
	case err != nil:
		s.fail(w)
		return
	case !ok || request.Reviewer != "" && page.Reviewer == nil:
		http.NotFound(w, r)
		return
	}
	if request.Size, err = s.server.Size(r.Context()); err != nil {
		s.fail(w)
		return
	}
	afters, err := s.server.Parts(r.Context(), request)
	if err != nil {
		s.fail(w)
		return
	}
	for i, after := range afters {
		request.After = after
		page.Parts = append(page.Parts, part{i + 1, request.Link()})
	}
	s.show(w, http.StatusOK, "parts.html", page)
}

// parcel gives a parcel, or a part of it. When reading fails on the way the
// connection is broken off, so that a browser cannot take a part for the whole.
func (s *Site) parcel(w http.ResponseWriter, r *http.Request) {
	request, ok := asked(r.URL.Query())
	if !ok {
		http.NotFound(w, r)
		return
	}
	plan, err := s.plans.get(r.Context(), request)
	if errors.Is(err, ErrOutdated) {
		// Whoever goes on with the old one gets the new one, whole.
		request.Size = 0
		plan, err = s.plans.get(r.Context(), request)
	}
	if errors.As(err, new(*Refusal)) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.event("parcel_failed")
		}
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-tar")
	h.Set("Content-Disposition", `attachment; filename="`+request.fileName()+`"`)
	h.Set("ETag", `"`+plan.Digest()+`"`)
	content := &watched{ReadSeeker: plan.Reader(r.Context())}
	http.ServeContent(w, r, "", time.Time{}, content) // no name and no time
	if content.err != nil && r.Context().Err() == nil {
		// What was planned is there no more, or cannot be read.
		s.plans.drop(request, plan)
		s.event("parcel_failed")
		panic(http.ErrAbortHandler)
	}
}

// fileName keeps parcels apart that are saved side by side.
func (r Request) fileName() string {
	name := "parcel"
	if r.Reviewer != "" {
		name += "-" + r.Reviewer[:16]
	}
	if r.Size > 0 {
		name += fmt.Sprintf("-%d", r.Size)
	}
	if r.After != "" {
		name += "-after-" + r.After
	}
	return name + ".tar"
}

// A watched reader remembers why reading failed: ServeContent does not tell.
type watched struct {
	io.ReadSeeker
	err error
}

func (c *watched) Read(b []byte) (int, error) {
	n, err := c.ReadSeeker.Read(b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, context.Canceled) {
		c.err = err
	}
	return n, err
}
