package vault

// Buckets; see FORMAT.md, section 2.
var (
	bucketMeta        = []byte("meta")
	bucketChannels    = []byte("channels")
	bucketPolicies    = []byte("policies")
	bucketSubmissions = []byte("submissions")
	bucketEnvelopes   = []byte("envelopes")
	bucketChunks      = []byte("chunks")
	bucketDrafts      = []byte("drafts")
	bucketMailboxes   = []byte("mailboxes")
	bucketReceipts    = []byte("receipts")
	bucketReplies     = []byte("replies")
	bucketAcks        = []byte("acks")
	bucketOpened      = []byte("opened")
	bucketDesks       = []byte("desks")
	bucketOrders      = []byte("orders")
	bucketSlots       = []byte("slots")
	bucketSpent       = []byte("spent")
	bucketDeleting    = []byte("deleting")
	bucketPending     = []byte("pending")
	bucketLeaves      = []byte("leaves")
	bucketHashes      = []byte("hashes")
	bucketLeafOf      = []byte("leafof")

	keyVersion = []byte("version")
	keySalt    = []byte("salt")
	keySlots   = []byte("slots") // id of the slots file

	// keyValue is the only key of a chunk's bucket. A chunk has a bucket of its
	// own because bbolt keeps up to four values in one leaf and writes them
	// anew whenever a neighbour is added: with fifty uploads at once that
	// doubled what was written and pulled the whole file into memory.
	keyValue = []byte("v")

	allBuckets = [][]byte{bucketMeta, bucketChannels, bucketPolicies, bucketSubmissions,
		bucketEnvelopes, bucketChunks, bucketDrafts, bucketMailboxes, bucketReceipts,
		bucketReplies, bucketAcks, bucketOpened, bucketDesks, bucketOrders, bucketSlots,
		bucketSpent, bucketDeleting, bucketPending, bucketLeaves, bucketHashes, bucketLeafOf}
)
