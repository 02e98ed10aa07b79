package parcel

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"sourdine/vault"
)

// A Plan is a parcel that lies nowhere yet: its index is made, and everything
// else is read from the vault when the parcel is. The same request on the same
// vault gives the same bytes, so that a download can go on later. A plan is safe
// for concurrent use.
type Plan struct {
	vault  *vault.Vault
	index  Index
	files  []logFile // those before the submissions
	starts []int     // of each submission's files, counted from the first
	tar    *virtualTar
	last   vault.ID
	digest string

	unreadable []vault.ID
}

// NewPlan plans a parcel, signed by the vault's secret key. It reads headers,
// envelopes and the log, and no payload. It returns [ErrOutdated] when the log at
// the requested size does not tell what became of every submission that it
// has: a desk would miss those. What cannot be read is left out: see
// [Plan.Unreadable].
func NewPlan(ctx context.Context, v *vault.Vault, secret string, r Request) (*Plan, error) {
	return planLimited(ctx, v, secret, r, fullIndex)
}

func planLimited(ctx context.Context, v *vault.Vault, secret string, r Request, limit int) (*Plan, error) {
	if _, err := PublicKey(secret); err != nil {
		return nil, err
	}
	s, err := r.span(v)
	if err != nil {
		return nil, err
	}
	p := &Plan{vault: v}
	p.index = Index{Version: Version, Reviewer: r.Reviewer, Since: s.since, Size: s.size, Submissions: []Submission{}}
	if r.After != (vault.ID{}) {
		p.index.After = r.After.String()
	}
	if err := p.choose(ctx, newAudience(v, r, s.size), newFilling(limit, r.Bytes, s.size)); err != nil {
		return nil, err
	}
	if p.files, err = p.logFiles(ctx, secret); err != nil {
		return nil, err
	}
	if err := p.seal(ctx, secret); err != nil {
		return nil, err
	}
	return p, nil
}

// choose lists the submissions, and counts those that do not fit. One that the disk
// cannot read is left out: the others must come through.
func (p *Plan) choose(ctx context.Context, a *audience, f *filling) error {
	for w, err := range a.wanted(ctx) {
		var s Submission
		if err == nil && p.index.Left == 0 {
			s, err = p.describe(w)
		}
		switch {
		case errors.Is(err, vault.ErrDamaged) && w.ID != (vault.ID{}):
			p.unreadable = append(p.unreadable, w.ID)
		case err != nil:
			return err
		case p.index.Left == 0 && f.take(w):
			p.index.Submissions = append(p.index.Submissions, s)
			p.last = w.ID
		case !w.unreadable:
			p.index.Left++
		}
	}
	if p.index.Left > 0 { // behind the last one the next part begins, and tells of them
		p.unreadable = slices.DeleteFunc(p.unreadable, func(id vault.ID) bool { return bytes.Compare(id[:], p.last[:]) > 0 })
	}
	return p.checkCurrent(ctx, a)
}

// describe is what the index says of a submission. The payloads' digests are those of
// the vault's header, which the log's leaf says too: none is read.
func (p *Plan) describe(w wanted) (s Submission, err error) {
	if w.unreadable {
		return s, vault.ErrDamaged
	}
	envelope, err := p.vault.Envelope(w.ID)
	if err == nil {
		err = p.unchanged(w.Entry)
	}
	if errors.Is(err, vault.ErrNotFound) {
		err = ErrOutdated
	}
	if err != nil {
		return s, fmt.Errorf("submission %s: %w", w.ID, err)
	}
	s = Submission{ID: w.ID.String(), Channel: w.Channel, Day: w.Day, Epoch: w.Epoch, Leaf: w.leaf,
		Envelope: sealedOf(envelope), Payloads: make([]Sealed, len(w.Payloads))}
	for n, size := range w.Payloads {
		s.Payloads[n] = Sealed{Size: size, SHA256: w.Digests[n]}
	}
	return s, nil
}

// unchanged returns ErrOutdated when a submission has an envelope for another
// roster than its header said: the envelope that was read may be that one.
func (p *Plan) unchanged(e vault.Entry) error {
	now, err := p.vault.Entry(e.ID)
	if err == nil && now.Epoch != e.Epoch {
		err = ErrOutdated
	}
	return err
}

// seal signs the index and lays out the tar.
func (p *Plan) seal(ctx context.Context, secret string) error {
	for _, f := range p.files {
		p.index.Files = append(p.index.Files, f.Named)
	}
	if err := p.index.check(); err != nil {
		return fmt.Errorf("no desk would take the parcel: %w", err)
	}
	index, err := p.index.file(ctx)
	if err != nil {
		return err
	}
	signed, err := sign(index.SHA256, secret)
	if err != nil {
		return err
	}
	p.digest = index.SHA256
	p.files = append([]logFile{bytesFile(noteName, signed), index}, p.files...)
	p.starts = p.index.places()
	p.tar, err = newVirtualTar(len(p.files)+p.starts[len(p.starts)-1], p.file)
	return err
}

// file is the i-th file of the tar.
func (p *Plan) file(i int) tarFile {
	if i < len(p.files) {
		f := p.files[i]
		return tarFile{f.Name, f.Size, f.open}
	}
	at := placeOf(p.starts, i-len(p.files))
	return tarFile{p.index.name(at), p.index.sealed(at).Size, func() (io.ReaderAt, error) { return p.open(at) }}
}

// open reads a sealed file from the vault, or finds that it is not there any
// more, or another one: a submission may have been deleted, or sealed to another
// roster. A payload never changes.
func (p *Plan) open(at place) (io.ReaderAt, error) {
	id, err := vault.ParseID(p.index.Submissions[at.submission].ID)
	if err != nil {
		return nil, err
	}
	if at.item == envelopeItem {
		return exactly(p.index.sealed(at), func() ([]byte, error) { return p.vault.Envelope(id) })
	}
	e, err := p.vault.Entry(id)
	if err != nil {
		return nil, err
	}
	return p.vault.Payload(e, at.item)
}

// Size is the parcel's length, in bytes.
func (p *Plan) Size() int64 { return p.tar.size() }

// Digest names the parcel's bytes: plans of equal digest give equal parcels.
func (p *Plan) Digest() string { return p.digest }

// Index is what the parcel's signed index says. It is not to be changed.
func (p *Plan) Index() Index { return p.index }

// Last is the last submission in the parcel, for the request of the next one;
// the zero ID when it holds none. [Index.Left] says how many follow.
func (p *Plan) Last() vault.ID { return p.last }

// Reader reads the parcel. It is bound to ctx, and for one goroutine; a plan can
// have several. A submission that was deleted or sealed anew since the plan was
// made is an error, [vault.ErrNotFound] or [ErrOutdated]; a payload that cannot be
// read is [vault.ErrDamaged], and the next plan leaves it out.
func (p *Plan) Reader(ctx context.Context) io.ReadSeeker { return p.tar.reader(ctx) }

// writeBuffer is how much is written at a time, in bytes: small files together.
const writeBuffer = 256 << 10

// Write writes the parcel to w. It returns an error that wraps [ErrUnreadable] when
// a payload cannot be read.
func (p *Plan) Write(ctx context.Context, w io.Writer) error {
	b := bufio.NewWriterSize(parcelWriter{w}, writeBuffer)
	_, err := b.ReadFrom(p.Reader(ctx))
	switch {
	case errors.Is(err, vault.ErrDamaged):
		return errors.Join(fmt.Errorf("%w: %w", ErrUnreadable, err), p.survey(ctx))
	case err != nil:
		return err
	}
	return b.Flush()
}

// A parcelWriter tells the errors of the medium from those of the vault.
type parcelWriter struct{ w io.Writer }

func (p parcelWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if err != nil {
		return n, fmt.Errorf("failed to write parcel: %w", err)
	}
	return n, nil
}

// attempts bounds how often [Prepare] plans anew because a submission was
// deleted meanwhile.
const attempts = 5

// Prepare lets what is pending join the log, and plans the parcel that is
// requested. A request with a size leaves the log as it is.
func Prepare(ctx context.Context, v *vault.Vault, secret string, r Request) (p *Plan, err error) {
	if r.Size > 0 {
		return NewPlan(ctx, v, secret, r)
	}
	for range attempts {
		if _, err := v.Batch(ctx); err != nil {
			return nil, err
		}
		if p, err = NewPlan(ctx, v, secret, r); !errors.Is(err, ErrOutdated) {
			return p, err
		}
	}
	return nil, err
}

// Write is [Prepare] and [Plan.Write]. It returns the signed index.
func Write(ctx context.Context, w io.Writer, v *vault.Vault, secret string, r Request) (Index, error) {
	p, err := Prepare(ctx, v, secret, r)
	if err != nil {
		return Index{}, err
	}
	return p.index, p.Write(ctx, w)
}
