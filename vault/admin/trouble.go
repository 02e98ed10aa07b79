package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sourdine/vault"
)

// maxNamed bounds how many submissions one sentence names.
const maxNamed = 20

// listed names the first of some submissions.
func listed(ids []vault.ID) string {
	var names []string
	for _, id := range ids[:min(len(ids), maxNamed)] {
		names = append(names, id.String())
	}
	text := strings.Join(names, ", ")
	if more := len(ids) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// counted is a number of things, of which several end in s.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprint(n, " ", thing)
}

// trouble is what the disk does to an open vault, in sentences for the admin.
func (l *Local) trouble() (list []string, err error) {
	if err := l.vault.InPlace(); err != nil {
		list = append(list, err.Error()+": nothing is accepted from sources; put it back; if it was deleted, do not stop the server before its files are copied from /proc/PID/fd")
	}
	if err := l.vault.Full(); err != nil {
		list = append(list, err.Error()+": sources are told to come back later; make room, and it goes on by itself")
	}
	if p := overwriteProblem(l.vault.Overwrites()); p != "" {
		list = append(list, p)
	}
	if kept := l.vault.KeptVersion1(); kept != "" && l.vault.Upgraded() == "" { // which says it, too
		list = append(list, kept+", the vault before its upgrade, is still in the home: its envelopes are not wrapped, so it opens what was deleted since then; remove it once you trust the new one")
	}
	u, err := l.vault.Unfinished()
	if err != nil {
		return list, err
	}
	if u.Unnamed > 0 {
		list = append(list, fmt.Sprintf("%s of changes that a crash interrupted could not be overwritten yet: whoever gets this disk and a reviewer's key may open submissions with them that were deleted; look at the disk and the system's log: it is tried again every %s", counted(u.Unnamed, "key"), finishPause))
	}
	if n := len(u.Keys); n > 0 {
		list = append(list, fmt.Sprintf("the old keys of %s, deleted or sealed anew, could not be overwritten yet (%s): whoever gets this disk and a reviewer's key can still open them; look at the disk and the system's log: a server that runs tries again every %s, and so does each command that opens the home", counted(n, "submission"), listed(u.Keys), finishPause))
	}
	if u.Erasing > 0 && len(u.Keys) == 0 {
		list = append(list, fmt.Sprintf("what %s left still takes room on the disk, and cannot be opened: it goes when there is some room to work with and the disk can read it", counted(u.Erasing, "deleted submission")))
	}
	if ids := l.vault.Unreadable(); len(ids) > 0 {
		list = append(list, fmt.Sprintf("%s cannot be read from the disk (%s), and parcels are made without them: copy the home as it is, see what is damaged with sourdine vault verify, and restore a backup beside it", counted(len(ids), "submission"), listed(ids)))
	}
	return list, nil
}

// overwriteProblem is about a disk on which a deletion does not delete.
func overwriteProblem(overwrites bool, err error) string {
	const advice = "an old key may stay on the disk, and whoever takes it and a reviewer's key may open what was deleted: make a backup, and restore it into a home on ext4 or xfs"
	switch {
	case err != nil:
		return fmt.Sprintf("it cannot be told whether the file system of vault.slots overwrites (%s): where it does not, %s", err, advice)
	case !overwrites:
		return "the file system of vault.slots does not overwrite what it replaces: " + advice
	}
	return ""
}

// finish ends what the disk did not let end earlier, if there is anything.
func (l *Local) finish(ctx context.Context) error {
	u, err := l.vault.Unfinished()
	if err == nil && len(u.Keys)+u.Unnamed+u.Erasing+u.Uploads > 0 {
		err = l.vault.Finish(ctx)
	}
	if ctx.Err() != nil || errors.Is(err, vault.ErrClosed) {
		return nil
	}
	return err
}
