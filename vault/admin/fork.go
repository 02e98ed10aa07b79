package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sourdine/vault/backup"
	"sourdine/vault/order"
	"sourdine/vault/translog"
)

// forkSuffix ends the name of the file that keeps a checkpoint; it begins with
// the reviewer's fingerprint.
const forkSuffix = ".checkpoint"

// keepFork keeps the checkpoint that a desk was shown and that is not one of this
// vault's log: the vault's own key signed it, which proves that there were two.
// A later one of the same desk takes its place.
func (l *Local) keepFork(o *order.Return) error {
	if err := l.writeFork(o); err != nil {
		return fmt.Errorf("failed to keep the other log's checkpoint: %w", err)
	}
	return nil
}

func (l *Local) writeFork(o *order.Return) error {
	if err := os.Mkdir(l.home.forks(), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	path := filepath.Join(l.home.forks(), o.Reviewer+forkSuffix)
	building := path + ".new"
	if err := os.Remove(building); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeFile(building, []byte(o.Checkpoint)); err != nil {
		return err
	}
	if err := os.Rename(building, path); err != nil {
		return err
	}
	return errors.Join(syncDir(l.home.forks()), syncDir(l.home.dir))
}

// forkProblems warns of the other logs that desks were shown. What has become a
// part of this log since, after the newer of two backups was restored, is none.
func (l *Local) forkProblems() ([]string, error) {
	entries, err := os.ReadDir(l.home.forks())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return []string{"whether desks have seen another log cannot be told, and backups go without what proves it: " + err.Error()}, nil
	}
	var problems []string
	for _, e := range entries {
		fingerprint, ok := strings.CutSuffix(e.Name(), forkSuffix)
		if !ok {
			continue
		}
		problem, err := l.forkProblem(fingerprint, filepath.Join(l.home.forks(), e.Name()))
		if err != nil {
			return nil, err
		}
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	return problems, nil
}

// errForkName: no desk has that name.
var errForkName = errors.New("its name is not a reviewer's fingerprint and " + forkSuffix)

// readFork reads what keepFork may have written.
func readFork(path string) ([]byte, error) {
	if !backup.IsForkName(filepath.Base(path)) {
		return nil, errForkName
	}
	return readSmall(path)
}

// readForks reads them for a backup, by fingerprint. What cannot be evidence, or be
// read, is left out, and status names it: a backup is worth more.
func (h Home) readForks() map[string][]byte {
	paths, _ := filesLike(filepath.Join(h.forks(), forkSuffix))
	forks := map[string][]byte{}
	for _, path := range paths {
		if raw, err := readFork(path); err == nil {
			forks[strings.TrimSuffix(filepath.Base(path), forkSuffix)] = raw
		}
	}
	return forks
}

func (l *Local) forkProblem(fingerprint, path string) (string, error) {
	raw, err := readFork(path)
	if err != nil {
		return "the file " + path + " is no evidence of another log, and backups go without it: " + err.Error(), nil
	}
	head, err := translog.OpenCheckpoint(raw, l.publicKey)
	if err != nil {
		return "the file " + path + " is not a checkpoint of this vault's key: it is damaged, or somebody wrote it", nil
	}
	err = l.checkSeen(&order.Return{Seen: head.Size, Checkpoint: string(raw)})
	if !errors.Is(err, ErrOtherLog) {
		return "", err
	}
	return fmt.Sprintf("the desk of reviewer %s has seen another log of %d entries, signed by this vault's key: an older backup was restored, or somebody else has the key; ask the reviewer, and when you know why, remove %s",
		fingerprint, head.Size, path), nil
}
