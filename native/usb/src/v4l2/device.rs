//! The camera driver's own interface (`linux/videodev2.h`), as much as a board needs: this is the only place of the crate that calls into the system by hand.
#![allow(unsafe_code)]

/// Opens the camera that the system made of a board, `/dev/video0`.
///
/// # Errors
/// `NoPermission`, `InUse`, `NotFound`, `System`.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub fn open_camera(_path: &str) -> Result<super::CameraBoard, crate::error::UsbError> {
    Err(crate::error::UsbError::System {
        reason: "boards through the system's camera driver are for Linux only".to_owned(),
    })
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub use linux::open_camera;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod linux {
    use std::fs::{File, OpenOptions};
    use std::io::{Error, ErrorKind};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::{Camera, CameraBoard, CameraFrame, Controls};
    use crate::error::UsbError;

    const CAPTURE: u32 = 1;
    const MMAP: u32 = 1;
    /// Y, U, Y, V of two pixels: as the board calls its bytes.
    const YUYV: u32 = u32::from_le_bytes(*b"YUYV");
    const DISCRETE: u32 = 1;
    const BUFFER_ERROR: u32 = 0x40;
    /// Frames that the driver keeps for us: a second at 30 frames a second is more than a busy computer is late.
    const BUFFERS: u32 = 32;

    const S_FMT: libc::c_ulong = 0xc0d0_5605;
    const REQBUFS: libc::c_ulong = 0xc014_5608;
    const QUERYBUF: libc::c_ulong = 0xc058_5609;
    const QBUF: libc::c_ulong = 0xc058_560f;
    const DQBUF: libc::c_ulong = 0xc058_5611;
    const STREAMON: libc::c_ulong = 0x4004_5612;
    const STREAMOFF: libc::c_ulong = 0x4004_5613;
    const G_CTRL: libc::c_ulong = 0xc008_561b;
    const S_CTRL: libc::c_ulong = 0xc008_561c;
    const ENUM_FRAMESIZES: libc::c_ulong = 0xc02c_564a;

    #[repr(C, align(8))]
    #[derive(Clone, Copy)]
    struct Format {
        kind: u32,
        _pad: u32,
        width: u32,
        height: u32,
        pixel_format: u32,
        field: u32,
        bytes_per_line: u32,
        size_image: u32,
        _rest: [u32; 44],
    }

    #[repr(C)]
    struct RequestBuffers {
        count: u32,
        kind: u32,
        memory: u32,
        _rest: [u32; 2],
    }

    #[repr(C, align(8))]
    #[derive(Clone, Copy, Default)]
    struct BufferInfo {
        index: u32,
        kind: u32,
        bytes_used: u32,
        flags: u32,
        field: u32,
        _pad: u32,
        time: [u64; 2],
        timecode: [u32; 4],
        sequence: u32,
        memory: u32,
        offset: u64,
        length: u32,
        _rest: [u32; 3],
    }

    #[repr(C)]
    struct Control {
        id: u32,
        value: i32,
    }

    #[repr(C)]
    struct FrameSize {
        index: u32,
        pixel_format: u32,
        kind: u32,
        width: u32,
        height: u32,
        _rest: [u32; 6],
    }

    /// What is asked of the driver is laid out as its header says; its numbers contain these sizes.
    const _: () = {
        assert!(size_of::<Format>() == 0xd0);
        assert!(size_of::<RequestBuffers>() == 0x14);
        assert!(size_of::<BufferInfo>() == 0x58);
        assert!(size_of::<Control>() == 0x08);
        assert!(size_of::<FrameSize>() == 0x2c);
    };

    /// Asks the driver; goes on when a signal came in between.
    fn ask<T>(file: &File, request: libc::c_ulong, about: &mut T) -> std::io::Result<()> {
        loop {
            // SAFETY: the request's number names the size and direction of `T` (checked above, `int` for the stream's), and the driver writes inside it only.
            if unsafe { libc::ioctl(file.as_raw_fd(), request, std::ptr::from_mut(about)) } == 0 {
                return Ok(());
            }
            let error = Error::last_os_error();
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    fn told(error: &Error) -> UsbError {
        match error.raw_os_error() {
            Some(libc::ENODEV | libc::ENXIO) => UsbError::Gone,
            Some(libc::ETIMEDOUT | libc::EIO | libc::EPROTO) => UsbError::NoAnswer,
            Some(libc::EPIPE | libc::ERANGE | libc::EINVAL) => UsbError::Refused,
            _ => UsbError::System { reason: error.to_string() },
        }
    }

    /// The driver's number of a control of the processing unit.
    fn control_id(selector: u8) -> Option<u32> {
        let offset = match selector {
            0x02 => 0,  // brightness
            0x03 => 1,  // contrast
            0x07 => 2,  // saturation
            0x06 => 3,  // hue
            0x09 => 16, // gamma
            0x04 => 19, // gain
            0x08 => 27, // sharpness
            _ => return None,
        };
        Some(0x0098_0900 + offset)
    }

    /// Opens the camera that the system made of a board, `/dev/video0`.
    ///
    /// # Errors
    /// `NoPermission`, `InUse`, `NotFound`, `System`.
    pub fn open_camera(path: &str) -> Result<CameraBoard, UsbError> {
        let port = path.to_owned();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => UsbError::NotFound { port },
                ErrorKind::PermissionDenied => UsbError::NoPermission { port },
                _ => match error.raw_os_error() {
                    Some(libc::EBUSY) => UsbError::InUse { port },
                    Some(libc::ENODEV | libc::ENXIO) => UsbError::NotFound { port },
                    _ => UsbError::System { reason: error.to_string() },
                },
            })?;
        let file = Arc::new(file);
        let device = Device {
            file: Arc::clone(&file),
            path: path.to_owned(),
            frames: Vec::new(),
        };
        Ok(CameraBoard::new(Box::new(device), Box::new(DeviceControls { file })))
    }

    struct DeviceControls {
        file: Arc<File>,
    }

    impl Controls for DeviceControls {
        fn get(&self, selector: u8) -> Result<u16, UsbError> {
            let mut control = Control {
                id: control_id(selector).ok_or(UsbError::Refused)?,
                value: 0,
            };
            ask(&self.file, G_CTRL, &mut control).map_err(|error| told(&error))?;
            // Hue and brightness are signed there; the board's bits are the same.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "16 bits as they are")]
            Ok(control.value as u16)
        }

        fn set(&self, selector: u8, value: u16) -> Result<(), UsbError> {
            let is_signed = matches!(selector, 0x02 | 0x06);
            let mut control = Control {
                id: control_id(selector).ok_or(UsbError::Refused)?,
                value: if is_signed {
                    i32::from(value.cast_signed())
                } else {
                    i32::from(value)
                },
            };
            ask(&self.file, S_CTRL, &mut control).map_err(|error| told(&error))
        }
    }

    /// Memory that the driver writes a frame into.
    struct Mapped {
        start: *mut libc::c_void,
        length: usize,
    }

    // SAFETY: memory of this process that no other thread knows of.
    unsafe impl Send for Mapped {}

    impl Mapped {
        fn of(file: &File, offset: u64, length: usize) -> std::io::Result<Self> {
            let offset = libc::off_t::try_from(offset).map_err(Error::other)?;
            // SAFETY: a new mapping at a place that the system chooses; it is unmapped once, when this is dropped.
            let start = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    length,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_SHARED,
                    file.as_raw_fd(),
                    offset,
                )
            };
            if start == libc::MAP_FAILED {
                Err(Error::last_os_error())
            } else {
                Ok(Self { start, length })
            }
        }

        /// Its first bytes, copied while the driver does not own it.
        fn copy(&self, bytes: usize, into: &mut Vec<u8>) {
            // SAFETY: mapped for as long as this lives, `length` bytes; the buffer was dequeued, so that the driver does not write into it.
            let all = unsafe { std::slice::from_raw_parts(self.start.cast::<u8>(), self.length) };
            into.clear();
            into.extend_from_slice(&all[..bytes.min(self.length)]);
        }
    }

    impl Drop for Mapped {
        fn drop(&mut self) {
            // SAFETY: what `of` has mapped, once.
            unsafe { libc::munmap(self.start, self.length) };
        }
    }

    struct Device {
        file: Arc<File>,
        path: String,
        frames: Vec<Mapped>,
    }

    impl Device {
        fn failed(&self, error: &Error) -> UsbError {
            match error.raw_os_error() {
                Some(libc::EBUSY) => UsbError::InUse { port: self.path.clone() },
                _ => told(error),
            }
        }

        fn size(&self, index: u8) -> Option<(u32, u32)> {
            let mut size = FrameSize {
                index: u32::from(index).checked_sub(1)?,
                pixel_format: YUYV,
                kind: 0,
                width: 0,
                height: 0,
                _rest: [0; 6],
            };
            ask(&self.file, ENUM_FRAMESIZES, &mut size).ok()?;
            (size.kind == DISCRETE).then_some((size.width, size.height))
        }

        fn request(&self, count: u32) -> std::io::Result<u32> {
            let mut request = RequestBuffers {
                count,
                kind: CAPTURE,
                memory: MMAP,
                _rest: [0; 2],
            };
            ask(&self.file, REQBUFS, &mut request).map(|()| request.count)
        }

        fn info(index: u32) -> BufferInfo {
            BufferInfo {
                index,
                kind: CAPTURE,
                memory: MMAP,
                ..BufferInfo::default()
            }
        }

        fn begin(&mut self) -> std::io::Result<()> {
            let count = self.request(BUFFERS)?;
            for index in 0..count {
                let mut info = Self::info(index);
                ask(&self.file, QUERYBUF, &mut info)?;
                // The offset is the lower half of a union with a pointer.
                self.frames
                    .push(Mapped::of(&self.file, info.offset & 0xffff_ffff, info.length as usize)?);
                ask(&self.file, QBUF, &mut Self::info(index))?;
            }
            let mut kind = CAPTURE;
            ask(&self.file, STREAMON, &mut kind)
        }
    }

    impl Camera for Device {
        fn size_index(&mut self, width: u32, height: u32) -> Option<u8> {
            (1..=u8::MAX)
                .map_while(|index| Some((index, self.size(index)?)))
                .find_map(|(index, size)| (size == (width, height)).then_some(index))
        }

        fn choose(&mut self, index: u8) -> Result<(), UsbError> {
            let (width, height) = self.size(index).ok_or(UsbError::Refused)?;
            let mut format = Format {
                kind: CAPTURE,
                _pad: 0,
                width,
                height,
                pixel_format: YUYV,
                field: 1,
                bytes_per_line: 0,
                size_image: 0,
                _rest: [0; 44],
            };
            ask(&self.file, S_FMT, &mut format).map_err(|error| self.failed(&error))?;
            let agreed = (format.width, format.height, format.pixel_format, format.bytes_per_line);
            if agreed == (width, height, YUYV, 2 * width) {
                Ok(())
            } else {
                Err(UsbError::BadSize { width, height })
            }
        }

        fn start(&mut self) -> Result<(), UsbError> {
            self.begin().map_err(|error| self.failed(&error))
        }

        fn stop(&mut self) -> Result<(), UsbError> {
            if self.frames.is_empty() {
                return Ok(());
            }
            let mut kind = CAPTURE;
            let stopped = ask(&self.file, STREAMOFF, &mut kind);
            self.frames.clear();
            let freed = self.request(0);
            stopped.and(freed.map(|_| ())).map_err(|error| self.failed(&error))
        }

        fn next(&mut self, timeout: Duration, mut into: Vec<u8>) -> Result<Option<CameraFrame>, UsbError> {
            let mut poll = libc::pollfd {
                fd: self.file.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: one descriptor, which is open, and its struct.
            if unsafe { libc::poll(&raw mut poll, 1, i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)) } <= 0 {
                return Ok(None);
            }
            let mut info = Self::info(0);
            if let Err(error) = ask(&self.file, DQBUF, &mut info) {
                return match error.kind() {
                    ErrorKind::WouldBlock => Ok(None),
                    // How the driver says that the board is gone, once nothing is queued at the controller any more.
                    _ if poll.revents & (libc::POLLERR | libc::POLLHUP) != 0 => Err(UsbError::Gone),
                    _ => Err(self.failed(&error)),
                };
            }
            let frame = self.frames.get(info.index as usize).ok_or(UsbError::NoAnswer)?;
            frame.copy(info.bytes_used as usize, &mut into);
            let came = CameraFrame {
                bytes: into,
                sequence: info.sequence,
                faulty: info.flags & BUFFER_ERROR != 0,
            };
            ask(&self.file, QBUF, &mut Self::info(info.index)).map_err(|error| self.failed(&error))?;
            Ok(Some(came))
        }
    }
}
