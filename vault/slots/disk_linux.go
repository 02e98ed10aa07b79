package slots

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Sync implements disk.
func (f file) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// Forget implements disk. Pages that are not yet on the disk are kept.
func (f file) Forget() error {
	return os.NewSyscallError("fadvise", unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
}

// lockPatience is how long another program may take to let go: one that was
// killed holds its locks until the kernel has taken its memory apart.
const lockPatience = time.Second

// lock is flock(2).
func lock(f *os.File) error {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EWOULDBLOCK) && time.Since(began) > lockPatience:
			return ErrLocked
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return os.NewSyscallError("flock", err)
		}
	}
}

// nocow is FS_NOCOW_FL of linux/fs.h.
const nocow = 0x00800000

// switchOffCopyOnWrite does so on btrfs, where it works only while a file is
// empty. Other file systems are left as they are.
func switchOffCopyOnWrite(f *os.File) error {
	kind, err := fileSystem(f)
	if err != nil || kind != unix.BTRFS_SUPER_MAGIC {
		return err
	}
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return fmt.Errorf("reading the file's flags: %w", err)
	}
	err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(flags|nocow))
	if err != nil {
		return fmt.Errorf("failed to switch copy-on-write off: %w", err)
	}
	return nil
}

// zfsMagic is f_type of a ZFS file system (OpenZFS, zpl_super.c).
const zfsMagic = 0x2fc12fc1

func overwrites(f *os.File) (bool, error) {
	kind, err := fileSystem(f)
	if err != nil {
		return false, err
	}
	switch kind {
	case zfsMagic, unix.BCACHEFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.NILFS_SUPER_MAGIC:
		return false, nil
	case unix.BTRFS_SUPER_MAGIC:
		flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
		return flags&nocow != 0, err
	}
	return true, nil
}

func fileSystem(f *os.File) (uint32, error) {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return 0, os.NewSyscallError("fstatfs", err)
	}
	return uint32(s.Type), nil
}
