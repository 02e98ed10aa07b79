package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sourdine/vault"
)

// What waits for the next return parcel is a file each (FORMAT.md, section 12),
// so that nothing has to be locked:
//
//	outbox/opened/ID      empty: a person saw the submission. It stays.
//	outbox/deletions/ID   the submission's channel
//	replies/SHA256.json   a reply, until an order has it
const (
	outboxName    = "outbox"
	openedName    = "opened"
	deletionsName = "deletions"
)

func (d *Desk) openedFolder() string    { return d.path(filepath.Join(outboxName, openedName)) }
func (d *Desk) deletionsFolder() string { return d.path(filepath.Join(outboxName, deletionsName)) }

// MarkOpened notes that a person saw the submission; the next return parcel tells
// the server. Again, it changes nothing.
func (d *Desk) MarkOpened(ctx context.Context, id string) error {
	if _, err := d.book.Submission(ctx, id); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(d.openedFolder(), id)); err == nil {
		return nil
	}
	return d.drop(d.openedFolder(), id, nil)
}

// OrderDeletion puts an order to delete the submission into the next return
// parcel. The copy at this desk stays.
func (d *Desk) OrderDeletion(ctx context.Context, id string) error {
	s, err := d.book.Submission(ctx, id)
	if err != nil {
		return err
	}
	return d.drop(d.deletionsFolder(), id, []byte(s.Channel))
}

// WithdrawDeletion takes the order back, if no return parcel has it yet; else the
// error is [ErrNotFound]. While one may be signed the error is [ErrBusy].
func (d *Desk) WithdrawDeletion(id string) error {
	if _, err := vault.ParseID(id); err != nil {
		return ErrNotFound
	}
	release, err := d.lockImport()
	if err != nil {
		return err
	}
	defer release()
	history, err := d.history()
	if err != nil {
		return err
	}
	if history.deletions[id] {
		return fmt.Errorf("a deletion that no return parcel has yet: %w", ErrNotFound)
	}
	err = os.Remove(filepath.Join(d.deletionsFolder(), id))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}

// drop makes a file of the outbox, whose folders are made with the first one.
func (d *Desk) drop(folder, id string, data []byte) error {
	if _, err := vault.ParseID(id); err != nil {
		return ErrNotFound
	}
	if err := makeFolders(d.home, folder); err != nil {
		return err
	}
	return writeFile(folder, id, data)
}

// makeFolders makes a folder of the home and those above it, durably.
func makeFolders(home, folder string) error {
	if folder == home {
		return nil
	}
	if err := makeFolders(home, filepath.Dir(folder)); err != nil {
		return err
	}
	err := os.Mkdir(folder, folderMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = syncFolder(filepath.Dir(folder))
	}
	if err != nil {
		return fmt.Errorf("failed to make a folder of the home: %w", err)
	}
	return nil
}

// waiting lists the ids in a folder of the outbox.
func waiting(folder string) ([]string, error) {
	ids, err := namesIn(folder, func(e fs.DirEntry) bool { return e.Type().IsRegular() })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return ids, err
}

// queuedDeletions returns the channel of each submission that is to be deleted.
func (d *Desk) queuedDeletions() (map[string]string, error) {
	ids, err := waiting(d.deletionsFolder())
	if err != nil {
		return nil, err
	}
	channels := make(map[string]string, len(ids))
	for _, id := range ids {
		raw, err := readFile(filepath.Join(d.deletionsFolder(), id), maxChannel)
		if err != nil {
			return nil, fmt.Errorf("failed to read a queued deletion: %w", err)
		}
		channels[id] = string(raw)
	}
	return channels, nil
}
