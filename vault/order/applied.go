package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault/translog"
)

const (
	appliedLine = "sourdine/applied/v1"

	// MaxApplied is the largest applied note, in bytes.
	MaxApplied = 1 << 20
	// MaxRefusals is how many refusals an applied note lists.
	MaxRefusals = 5000
)

// An Applied is the server's receipt for an order: what it did with it. The next
// outbound parcel carries it to the desk, signed with the vault's key
// (FORMAT.md, section 4).
type Applied struct {
	VaultKey string
	Reviewer string // fingerprint
	Sequence uint64
	Order    string // SHA-256 of return.json, 64 lower-case hexadecimal digits
	Done     Done
}

// Done counts what was done and lists what was not. What the vault had done
// already (an acknowledgement that it knows) counts as done.
type Done struct {
	Acknowledged int `json:"acknowledged"`
	Opened       int `json:"opened"`
	Deleted      int `json:"deleted"`
	Replies      int `json:"replies"`
	Envelopes    int `json:"envelopes"`

	Refused  int       `json:"refused"`  // in all
	Refusals []Refusal `json:"refusals"` // the first MaxRefusals, by list, then by id
}

// A Refusal is one thing that was ordered and not done.
type Refusal struct {
	List   List   `json:"list"`
	ID     string `json:"id"` // of the submission; of a reply, its n
	Reason Reason `json:"reason"`
}

// A List is the list of an order that a refused thing stands in.
type List string

// The lists, in their order.
const (
	ListAcknowledged List = "acknowledged"
	ListOpened       List = "opened"
	ListDeletions    List = "deletions"
	ListReplies      List = "replies"
	ListEnvelopes    List = "envelopes"
)

// A Reason says why something was refused, as a stable word for programs; the
// desk's pages explain it.
type Reason string

// The reasons.
const (
	ReasonUnknown    Reason = "unknown"    // the vault has and had no such submission or mailbox
	ReasonRole       Reason = "role"       // the reviewer is not on the roster of its channel
	ReasonChannel    Reason = "channel"    // the submission is in another channel than the order says
	ReasonDeleted    Reason = "deleted"    // it was deleted before
	ReasonEpoch      Reason = "epoch"      // the envelope is not for the channel's current roster
	ReasonRenewed    Reason = "renewed"    // the submission has an envelope for that roster already
	ReasonRecipients Reason = "recipients" // the envelope names others than that roster
	ReasonForm       Reason = "form"       // the reply or envelope is not what OpenPGP makes
	ReasonFull       Reason = "full"       // the mailbox holds as many replies as it may
	ReasonDamaged    Reason = "damaged"    // something of the submission is damaged in the vault
)

// Reasons are all of them.
func Reasons() []Reason {
	return []Reason{ReasonUnknown, ReasonRole, ReasonChannel, ReasonDeleted, ReasonEpoch, ReasonRenewed, ReasonRecipients, ReasonForm, ReasonFull, ReasonDamaged}
}

var errApplied = errors.New("the receipt of a return parcel is damaged")

var anyAppliedLine = regexp.MustCompile(`^sourdine/applied/v[0-9]{1,4}$`)

// Sign returns the receipt as a signed note. secret is the vault's secret key in
// the note package's encoding, and must belong to VaultKey.
func (a *Applied) Sign(secret string) ([]byte, error) {
	text, err := a.text()
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errors.New("the vault's key is damaged")
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, fmt.Errorf("failed to sign a receipt: %w", err)
	}
	if _, err := OpenApplied(signed, a.VaultKey); err != nil {
		return nil, fmt.Errorf("the new receipt does not hold: %w", err)
	}
	return signed, nil
}

func (a *Applied) text() (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	done := a.Done
	done.Refusals = orEmpty(done.Refusals)
	raw, err := canonical(&done)
	if err != nil {
		return "", fmt.Errorf("failed to encode a receipt: %w", err)
	}
	return fmt.Sprintf("%s\n%s\n%s\n%d\n%s\n%s\n", appliedLine, a.VaultKey, a.Reviewer, a.Sequence, a.Order, raw), nil
}

// OpenApplied verifies a receipt under the vault's public key that the caller
// trusts, and reads it.
func OpenApplied(signed []byte, vaultKey string) (*Applied, error) {
	if _, err := translog.Origin(vaultKey); err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(vaultKey)
	if err != nil || len(signed) > MaxApplied {
		return nil, errApplied
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return nil, errors.New("the receipt of a return parcel is not signed by the vault's key")
	}
	a, err := parseApplied(opened.Text)
	if err != nil {
		return nil, err
	}
	if a.VaultKey != vaultKey {
		return nil, errApplied
	}
	return a, nil
}

func parseApplied(text string) (*Applied, error) {
	lines := strings.Split(text, "\n")
	if lines[0] != appliedLine && anyAppliedLine.MatchString(lines[0]) {
		return nil, fmt.Errorf("the receipt of a return parcel is of another version: %q instead of %q", lines[0], appliedLine)
	}
	if len(lines) != 7 {
		return nil, errApplied
	}
	sequence, err := strconv.ParseUint(lines[3], 10, 64)
	if err != nil {
		return nil, errApplied
	}
	a := Applied{VaultKey: lines[1], Reviewer: lines[2], Sequence: sequence, Order: lines[4]}
	if err := json.Unmarshal([]byte(lines[5]), &a.Done); err != nil {
		return nil, errApplied
	}
	if again, err := a.text(); err != nil || again != text {
		return nil, errApplied
	}
	return &a, nil
}
