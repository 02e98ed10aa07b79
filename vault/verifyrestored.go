package vault

import "sourdine/vault/translog"

// checkRestored holds a restoration's leaf against its place.
func (v *verification) checkRestored(index int64, leaf translog.Restored) {
	if leaf.Size != index {
		v.damage("vault.db: leaf %d of the log says that a backup with %d leaves was restored there, which it was not", index, leaf.Size)
	}
	v.restored = index
}

// notKnown is where the vault's note of its last restoration is damaged.
const notKnown = -2

// compareRestored asks that the vault knows its last restoration. A leaf that is
// damaged may have been of one.
func (v *verification) compareRestored() {
	if v.noted == v.restored || v.noted == notKnown || len(v.damagedLeaves) > 0 || v.broken {
		return
	}
	v.damage("vault.db: it does not say rightly which leaf of the log is of the last restoration: return parcels of desks that saw more than the backup may be refused")
}
