package order

// Version is the version of return.json and deletions.json that this package
// writes and reads.
const Version = 1

// Limits of one order. A desk that has more to say makes several, in sequence.
const (
	// MaxReturn is the largest return.json, in bytes.
	MaxReturn = 8 << 20
	// MaxIDs is the largest number of ids in each list.
	MaxIDs = 100_000
	// MaxReplies is the largest number of replies.
	MaxReplies = 1000
	// MaxReply is the largest sealed reply, in bytes.
	MaxReply = 1 << 20
	// MaxEnvelopes is the largest number of new envelopes.
	MaxEnvelopes = 10_000
	// MaxEnvelope is the largest envelope, in bytes: what a desk reads of one.
	MaxEnvelope = 4 << 20
	// MaxFiles is the largest sum of all replies and envelopes, in bytes: a
	// server applies an order in one transaction, which it holds in memory.
	MaxFiles = 128 << 20
	// MaxCheckpoint is the longest checkpoint, in bytes.
	MaxCheckpoint = 4 << 10

	maxNumber = 1<<53 - 1 // what every JSON program keeps exact
)

// A Return is what a reviewer orders of a server (FORMAT.md, section 1). The
// fields stand in the order of the JSON.
type Return struct {
	Version  int    `json:"version"`
	VaultKey string `json:"vault_key"` // of the server that it is for, as in parcel.note
	Reviewer string `json:"reviewer"`  // fingerprint of the certificate, upper-case hexadecimal
	Sequence uint64 `json:"sequence"`  // 1, 2, 3 …, counted by this reviewer for this server

	Seen       int64  `json:"seen"`       // size of the log that this desk verified
	Checkpoint string `json:"checkpoint"` // the signed note of that size; "" when nothing was seen

	Acknowledged IDs        `json:"acknowledged"`
	Opened       IDs        `json:"opened"`
	Deletions    string     `json:"deletions"` // SHA-256 of deletions.json, or "": see [Deletions]
	Replies      []Reply    `json:"replies"`   // by n
	Envelopes    []Envelope `json:"envelopes"` // by id
}

// IDs are submissions, each once, sorted as text.
type IDs []string

// A Reply is a message to a source: reply N, counting from 1, is the parcel's
// file replies/N.pgp.
type Reply struct {
	N       int    `json:"n"`
	Mailbox string `json:"mailbox"` // fingerprint of the mailbox's key: see [MailboxOf]
	Size    int64  `json:"size"`    // in bytes, sealed
	SHA256  string `json:"sha256"`  // 64 lower-case hexadecimal digits
}

// An Envelope replaces that of a submission, for its channel's roster at an
// epoch. It is the parcel's file envelopes/ID.pgp.
type Envelope struct {
	ID     string `json:"id"`
	Epoch  uint64 `json:"epoch"`
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // 64 lower-case hexadecimal digits
}
