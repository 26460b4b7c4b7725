//! Which boards hang on which USB ports, and whether they can be used. A board has no serial number: its port is its name.

use crate::error::UsbError;
use crate::uvc::VENDOR;

/// What a device of the maker is, by its product id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A DAQ board on a USB 3 port.
    Board,
    /// A DAQ board on a USB 2 port or cable: no picture comes.
    HighSpeed,
    /// Its processor's boot loader: no firmware.
    BootLoader,
}

impl Kind {
    /// By product id; none for something else of the same maker.
    #[must_use]
    pub fn of(product: u16) -> Option<Self> {
        match product {
            0x00f9 => Some(Self::Board),
            0x00f8 => Some(Self::HighSpeed),
            0x00f3 => Some(Self::BootLoader),
            _ => None,
        }
    }
}

/// A board that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardInfo {
    /// Bus and ports on the way, `2-1.4`; on Linux the name it has there.
    pub port: String,
    /// What it is.
    pub kind: Kind,
    /// Its product id.
    pub product_id: u16,
    /// The connection's speed, Mbit/s, where the system tells it.
    pub speed_mbps: Option<u32>,
    /// Empty: no firmware so far has one.
    pub serial: Option<String>,
    /// Its own name.
    pub product: Option<String>,
    /// The driver that holds its video interface: `uvcvideo`, `usbfs` for another program that uses it as Calyx does.
    pub driver: Option<String>,
    /// Whether the system lets this person use it; none where that cannot be known before.
    pub permitted: Option<bool>,
    /// Programs that have its camera open.
    pub users: Vec<String>,
    /// The camera that the system made of it, where raw access is refused and this person may use that.
    pub camera: Option<String>,
}

/// The boards on this computer, by port.
///
/// # Errors
/// `NoBus` on a machine without USB (a container, a build machine).
#[cfg(target_os = "linux")]
pub fn list_boards() -> Result<Vec<BoardInfo>, UsbError> {
    linux::list(&linux::Places::default())
}

/// The boards on this computer, by port.
///
/// # Errors
/// `NoBus` on a machine without USB.
#[cfg(not(target_os = "linux"))]
pub fn list_boards() -> Result<Vec<BoardInfo>, UsbError> {
    use nusb::MaybeFuture;
    let found = nusb::list_devices()
        .wait()
        .map_err(|error| UsbError::NoBus { reason: error.to_string() })?;
    let mut boards: Vec<_> = found
        .filter(|device| device.vendor_id() == VENDOR)
        .filter_map(|device| {
            Some(BoardInfo {
                port: port_of(&device),
                kind: Kind::of(device.product_id())?,
                product_id: device.product_id(),
                speed_mbps: device.speed().and_then(|speed| match speed {
                    nusb::Speed::Full => Some(12),
                    nusb::Speed::High => Some(480),
                    nusb::Speed::Super => Some(5000),
                    nusb::Speed::SuperPlus => Some(10_000),
                    _ => None,
                }),
                serial: device.serial_number().map(str::to_owned),
                product: device.product_string().map(str::to_owned),
                driver: None,
                permitted: None,
                users: Vec::new(),
                camera: None,
            })
        })
        .collect();
    boards.sort_by(|a, b| a.port.cmp(&b.port));
    Ok(boards)
}

/// Bus and ports on the way to a device.
#[must_use]
pub fn port_of(device: &nusb::DeviceInfo) -> String {
    let chain: Vec<_> = device.port_chain().iter().map(ToString::to_string).collect();
    #[cfg(target_os = "linux")]
    let bus = device.busnum();
    #[cfg(not(target_os = "linux"))]
    let bus = device.bus_id();
    format!("{bus}-{}", chain.join("."))
}

/// What Linux tells in its folders, without opening anything.
#[cfg(target_os = "linux")]
pub mod linux {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{BoardInfo, Kind, UsbError, VENDOR};

    /// Folders of the system; others in tests.
    #[derive(Clone, Debug)]
    pub struct Places {
        /// Devices by port.
        pub devices: PathBuf,
        /// Their nodes, by bus and number.
        pub nodes: PathBuf,
        /// Processes, with what they have open.
        pub processes: PathBuf,
        /// Camera nodes.
        pub cameras: PathBuf,
    }

    impl Default for Places {
        fn default() -> Self {
            Self {
                devices: "/sys/bus/usb/devices".into(),
                nodes: "/dev/bus/usb".into(),
                processes: "/proc".into(),
                cameras: "/dev".into(),
            }
        }
    }

    /// The boards, numbers of ports in order.
    ///
    /// # Errors
    /// `NoBus` where there is no folder of devices.
    pub fn list(places: &Places) -> Result<Vec<BoardInfo>, UsbError> {
        let entries = fs::read_dir(&places.devices).map_err(|error| UsbError::NoBus {
            reason: match error.kind() {
                std::io::ErrorKind::NotFound => format!("{} is not there", places.devices.display()),
                _ => format!("{}: {error}", places.devices.display()),
            },
        })?;
        let mut boards: Vec<_> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_device(name))
            .filter_map(|port| board_on(&port, places))
            .collect();
        boards.sort_by_key(|board| numbers(&board.port));
        Ok(boards)
    }

    /// Devices, not interfaces (`3-1:1.0`) and root hubs (`usb3`).
    fn is_device(name: &str) -> bool {
        name.split_once('-').is_some_and(|(bus, chain)| {
            let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            number(bus) && chain.split('.').all(number)
        })
    }

    fn numbers(port: &str) -> Vec<u32> {
        port.split(['-', '.']).filter_map(|part| part.parse().ok()).collect()
    }

    fn attribute(folder: &Path, name: &str) -> Option<String> {
        Some(fs::read_to_string(folder.join(name)).ok()?.trim().to_owned())
    }

    fn board_on(port: &str, places: &Places) -> Option<BoardInfo> {
        let folder = places.devices.join(port);
        let hex = |name| u16::from_str_radix(&attribute(&folder, name)?, 16).ok();
        let number = |name| attribute(&folder, name)?.parse::<u32>().ok();
        if hex("idVendor")? != VENDOR {
            return None;
        }
        let product_id = hex("idProduct")?;
        let kind = Kind::of(product_id)?;
        let node = number("busnum")
            .zip(number("devnum"))
            .map(|(bus, device)| places.nodes.join(format!("{bus:03}/{device:03}")));
        let driver = |interface: u8| driver_of(&places.devices, port, interface);
        let permitted = node.is_some_and(|node| may_use(&node));
        Some(BoardInfo {
            port: port.to_owned(),
            kind,
            product_id,
            // Full speed of low-speed devices is written 1.5.
            speed_mbps: attribute(&folder, "speed").and_then(|speed| speed.split('.').next()?.parse().ok()),
            serial: attribute(&folder, "serial"),
            product: attribute(&folder, "product"),
            driver: driver(1).or_else(|| driver(0)),
            permitted: Some(permitted),
            users: users_of(port, places),
            // Not opened without need: it is somebody's camera.
            camera: if permitted { None } else { camera_of(port, places) },
        })
    }

    /// The first camera node of a board that may be opened; a second one carries metadata only.
    fn camera_of(port: &str, places: &Places) -> Option<String> {
        let mut nodes = cameras(port, places);
        nodes.sort_by_key(|node| (node.as_os_str().len(), node.clone()));
        let first = nodes.into_iter().next()?;
        may_use(&first).then(|| first.display().to_string())
    }

    fn cameras(port: &str, places: &Places) -> Vec<PathBuf> {
        fs::read_dir(places.devices.join(format!("{port}:1.0")).join("video4linux"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(places.cameras.join(entry.ok()?.file_name())))
            .collect()
    }

    fn driver_of(devices: &Path, port: &str, interface: u8) -> Option<String> {
        let link = fs::read_link(devices.join(format!("{port}:1.{interface}")).join("driver")).ok()?;
        Some(link.file_name()?.to_str()?.to_owned())
    }

    /// Opening a node is how the system answers; nothing is sent to the board.
    fn may_use(node: &Path) -> bool {
        fs::OpenOptions::new().read(true).write(true).open(node).is_ok()
    }

    /// Programs that have the camera open that the system made of the board, as far as they can be seen.
    pub(crate) fn users_of(port: &str, places: &Places) -> Vec<String> {
        let cameras = cameras(port, places);
        if cameras.is_empty() {
            return Vec::new();
        }
        let mut users: Vec<String> = fs::read_dir(&places.processes)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|process| {
                let open = fs::read_dir(process.join("fd")).into_iter().flatten();
                open.filter_map(|file| fs::read_link(file.ok()?.path()).ok())
                    .any(|target| cameras.contains(&target))
            })
            .filter_map(|process| attribute(&process, "comm"))
            .collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::os::unix::fs::symlink;

        /// A folder of the system, made up; it is removed when it is dropped.
        struct Machine {
            places: Places,
            root: PathBuf,
        }

        impl Drop for Machine {
            fn drop(&mut self) {
                let _ = fs::remove_dir_all(&self.root);
            }
        }

        impl Machine {
            fn new(name: &str) -> Self {
                let root = std::env::temp_dir().join(format!("calyx-usb-{name}-{}", std::process::id()));
                let places = Places {
                    devices: root.join("devices"),
                    nodes: root.join("nodes"),
                    processes: root.join("processes"),
                    cameras: root.join("dev"),
                };
                for folder in [&places.devices, &places.nodes, &places.processes] {
                    fs::create_dir_all(folder).unwrap();
                }
                Self { places, root }
            }

            fn plug(&self, port: &str, vendor: &str, product: &str, devnum: u32) {
                let folder = self.places.devices.join(port);
                fs::create_dir_all(&folder).unwrap();
                let devnum = devnum.to_string();
                let attributes = [
                    ("idVendor", vendor),
                    ("idProduct", product),
                    ("busnum", "2"),
                    ("devnum", &devnum),
                    ("speed", "5000"),
                    ("product", "MINISCOPE"),
                ];
                for (name, value) in attributes {
                    fs::write(folder.join(name), format!("{value}\n")).unwrap();
                }
            }

            fn node(&self, devnum: u32) {
                let folder = self.places.nodes.join("002");
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(format!("{devnum:03}")), "").unwrap();
            }
        }

        #[test]
        fn boards_are_named_by_the_port_they_hang_on_numbers_in_order() {
            let machine = Machine::new("order");
            machine.plug("2-10", "04b4", "00f9", 9);
            machine.plug("2-2.4", "04b4", "00f8", 3);
            machine.plug("1-1", "046d", "0825", 4);
            machine.plug("2-3", "04b4", "6560", 5);
            machine.plug("2-1", "04b4", "00f3", 6);
            machine.plug("2-2.4:1.0", "04b4", "00f9", 3);
            machine.plug("usb2", "04b4", "00f9", 1);
            let found = list(&machine.places).unwrap();
            let kinds: Vec<_> = found.iter().map(|board| (board.port.as_str(), board.kind)).collect();
            assert_eq!(
                kinds,
                [("2-1", Kind::BootLoader), ("2-2.4", Kind::HighSpeed), ("2-10", Kind::Board)]
            );
            assert_eq!((found[2].speed_mbps, found[2].serial.as_deref()), (Some(5000), None));
            assert_eq!(found[2].product.as_deref(), Some("MINISCOPE"));
        }

        #[test]
        fn a_board_is_permitted_when_its_node_can_be_opened() {
            let machine = Machine::new("node");
            machine.plug("2-1", "04b4", "00f9", 7);
            assert_eq!(list(&machine.places).unwrap()[0].permitted, Some(false));
            machine.node(7);
            assert_eq!(list(&machine.places).unwrap()[0].permitted, Some(true));
        }

        #[test]
        fn the_driver_and_the_programs_that_look_through_its_camera_are_told() {
            let machine = Machine::new("users");
            machine.plug("2-1", "04b4", "00f9", 7);
            let control = machine.places.devices.join("2-1:1.0");
            fs::create_dir_all(control.join("video4linux").join("video3")).unwrap();
            symlink("../../bus/usb/drivers/uvcvideo", control.join("driver")).unwrap();
            for (process, comm, open) in [("41", "cheese", "video3"), ("42", "firefox", "video0")] {
                let open = machine.places.cameras.join(open);
                let folder = machine.places.processes.join(process);
                fs::create_dir_all(folder.join("fd")).unwrap();
                fs::write(folder.join("comm"), format!("{comm}\n")).unwrap();
                symlink(open, folder.join("fd").join("5")).unwrap();
            }
            let [board] = &list(&machine.places).unwrap()[..] else {
                panic!("one board")
            };
            assert_eq!(
                (board.driver.as_deref(), &board.users[..]),
                (Some("uvcvideo"), &["cheese".to_owned()][..])
            );
        }

        #[test]
        fn the_camera_is_the_way_when_raw_access_is_refused_and_it_may_be_used() {
            let machine = Machine::new("camera");
            machine.plug("2-1", "04b4", "00f9", 7);
            let made = machine.places.devices.join("2-1:1.0").join("video4linux");
            for name in ["video11", "video4"] {
                fs::create_dir_all(made.join(name)).unwrap();
            }
            let camera = || list(&machine.places).unwrap()[0].camera.clone();
            assert_eq!(camera(), None, "there is no node of it");
            fs::create_dir_all(&machine.places.cameras).unwrap();
            let node = machine.places.cameras.join("video4");
            fs::write(&node, "").unwrap();
            fs::write(machine.places.cameras.join("video11"), "").unwrap();
            assert_eq!(camera(), Some(node.display().to_string()));
            machine.node(7);
            assert_eq!(camera(), None, "raw access is better");
        }

        #[test]
        fn a_machine_without_usb_says_so() {
            let places = Places {
                devices: "/nowhere/devices".into(),
                ..Places::default()
            };
            let told = list(&places).unwrap_err();
            assert!(matches!(told, UsbError::NoBus { .. }));
            assert!(told.to_string().contains("no USB ports"), "{told}");
        }
    }
}
