package submit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"sourdine/submit/mailbox"
	"sourdine/submit/passphrase"
	"sourdine/vault"
	"sourdine/vault/manifest"
	"sourdine/vault/seal"
)

const dayFormat = time.DateOnly

// An intake turns one request's parts into one submission.
type intake struct {
	site     *Site
	language string
	draft    *vault.Draft
	sealer   *seal.Sealer
	epoch    uint64

	passphrase *passphrase.Passphrase
	channel    string
	hasMessage bool
	manifest   manifest.Manifest
}

// A submitted is what the receipt shows.
type submitted struct {
	words   string
	receipt mailbox.Receipt
}

// take reads the whole form, seals it while it arrives and commits it. On any
// error nothing is kept, but perhaps the key of an empty mailbox.
func (s *Site) take(ctx context.Context, parts *parts, language string) (*submitted, error) {
	in := &intake{site: s, language: language, draft: s.vault.NewDraft()}
	defer in.draft.Discard()
	for {
		p, err := parts.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := in.part(ctx, p); err != nil {
			return nil, err
		}
	}
	return in.commit(ctx)
}

func (in *intake) part(ctx context.Context, p *part) error {
	switch {
	case p.IsFile:
		return in.file(ctx, p)
	case p.Field == "passphrase":
		return in.words(p)
	case p.Field == "channel":
		return in.address(p)
	case p.Field == "message":
		return in.message(p)
	}
	// An unknown field is skipped, within the limits.
	_, err := p.text(maxField, errMalformed)
	return err
}

func (in *intake) words(p *part) error {
	text, err := p.text(passphrase.MaxInput, errPassphrase)
	if err != nil {
		return err
	}
	words, err := in.site.dictionary.Parse(text)
	if err != nil || in.passphrase != nil {
		return errPassphrase
	}
	in.passphrase = &words
	return nil
}

// address starts sealing. The form has the channel before the files, so that
// the first of their bytes meets a sealer.
func (in *intake) address(p *part) error {
	name, err := p.text(maxField, errChannel)
	if err != nil {
		return err
	}
	if in.sealer != nil {
		return errMalformed
	}
	in.channel = name
	in.sealer, in.epoch, err = in.site.rosters.sealer(name, in.site.now())
	return err
}

func (in *intake) message(p *part) error {
	if in.hasMessage {
		return errMalformed
	}
	text, err := p.text(manifest.MaxMessage, tooLarge("problem_message", manifest.MaxMessage))
	in.manifest.Message, in.hasMessage = text, true
	return err
}

func (in *intake) file(ctx context.Context, p *part) error {
	limits := in.site.limits
	switch {
	case p.FileName == "":
		return skipUnchosen(p)
	case len(in.manifest.Items) == limits.Files:
		return problem{http.StatusRequestEntityTooLarge, "problem_files", map[string]any{"Limit": limits.Files}}
	case len(p.FileName) > manifest.MaxName:
		return errName
	case in.sealer == nil:
		return errMalformed
	}
	n := len(in.manifest.Items) + 1
	size, digest, err := in.seal(ctx, n, io.LimitReader(p, limits.File+1))
	if err != nil {
		return err
	}
	if size > limits.File {
		return tooLarge("problem_file", limits.File)
	}
	in.manifest.Items = append(in.manifest.Items, manifest.Item{
		N: n, Name: p.FileName, Size: size, SHA256: digest, Type: shorten(p.Type),
	})
	return nil
}

// skipUnchosen passes over the empty part that browsers send for a file field
// in which nothing was chosen.
func skipUnchosen(p *part) error {
	n, err := io.CopyN(io.Discard, p, 1)
	if n > 0 {
		return errMalformed
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return bodyError(err)
}

// seal streams one item through the sealer into the draft.
func (in *intake) seal(ctx context.Context, n int, plain io.Reader) (size int64, digest string, err error) {
	payload, err := in.draft.Item(ctx, n)
	if err != nil {
		return 0, "", err
	}
	sealed, err := in.sealer.Item(payload)
	if err != nil {
		return 0, "", err
	}
	hash := sha256.New()
	source := &sourceReader{Reader: plain}
	relay := newRelay(io.MultiWriter(hash, sealed))
	defer relay.close() // also when reading panics
	size, err = relay.copyFrom(source)
	err = errors.Join(err, relay.close())
	if source.err != nil {
		return 0, "", bodyError(source.err)
	}
	if err = errors.Join(err, sealed.Close(), payload.Close()); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(hash.Sum(nil)), nil
}

// sourceReader remembers what the source's connection did, so that a broken
// line is told from a full disk.
type sourceReader struct {
	io.Reader
	err error
}

func (r *sourceReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// commit seals the manifest last, and returns when the vault has everything on
// stable storage.
func (in *intake) commit(ctx context.Context) (*submitted, error) {
	switch {
	case in.sealer == nil:
		return nil, errChannel
	case in.passphrase == nil:
		return nil, errPassphrase
	case strings.TrimSpace(in.manifest.Message) == "" && len(in.manifest.Items) == 0:
		return nil, errEmpty
	}
	access, err := in.site.deriver.Derive(ctx, in.passphrase.Canonical())
	if err != nil {
		return nil, err
	}
	key, err := in.site.ensureMailbox(ctx, access)
	if err != nil {
		return nil, err
	}
	if err := in.sealManifest(ctx, key); err != nil {
		return nil, err
	}
	day := in.site.now().UTC().Format(dayFormat)
	receipt := in.receipt(day)
	sealed, err := key.Seal(receipt, in.site.now())
	if err != nil {
		return nil, err
	}
	_, err = in.draft.Commit(ctx, vault.Commitment{
		Channel: in.channel, Day: day, Epoch: in.epoch, Envelope: in.sealer.Envelope(),
		Receipt: &vault.Receipt{Mailbox: access.ID, Sealed: sealed},
	})
	if err != nil {
		return nil, err
	}
	return &submitted{words: in.site.dictionary.Spell(*in.passphrase), receipt: receipt}, nil
}

func (in *intake) sealManifest(ctx context.Context, key mailbox.Key) error {
	certificate, err := key.Certificate()
	if err != nil {
		return err
	}
	in.manifest.Language, in.manifest.Mailbox = in.language, certificate
	raw, err := in.manifest.Encode()
	if err != nil {
		return err
	}
	_, _, err = in.seal(ctx, 0, strings.NewReader(string(raw)))
	return err
}

func (in *intake) receipt(day string) mailbox.Receipt {
	r := mailbox.Receipt{Day: day, Channel: in.channel, Message: strings.TrimSpace(in.manifest.Message) != ""}
	for _, item := range in.manifest.Items {
		r.Files = append(r.Files, mailbox.File{Name: item.Name, Size: item.Size})
	}
	return r
}

const maxKind = 128 // bytes of a media type

func shorten(s string) string {
	if len(s) <= maxKind {
		return s
	}
	return ""
}
