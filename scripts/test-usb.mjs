// SPDX-License-Identifier: MIT
// `npm run test:usb`: the simulated board as a USB device of a virtual machine with Debian's kernel. In there uvcvideo makes a camera of it, and `calyx-usb` (the capture
// of native/usb) lists it, opens it, streams, sets its LED, and loses it when the plug is pulled; and `calyx`, on this computer's own files, lets it blink, records from it
// by raw access and, as a person who has none, by the camera driver, and tells when it goes and comes. Needs Debian packages only, and prints which.
// The last line is `N passed, N failed, N skipped`; the log of the machine is test-output/usb.log.
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ScopeModel, serveUsbredir, SimulatedBoard, SimulatedUsbDevice } from '../main/devices/index.ts';
import { readCatalogue, scopeType } from '../main/devices/index.ts';
import { root, which } from './lib.mjs';

const frames = Number(process.env.CALYX_USB_FRAMES ?? 200);
/** The board's time runs slower by this: an emulated computer is slow. */
let slower = Number(process.env.CALYX_USB_SLOWER ?? 3);
const machineMs = 1_500_000;

const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  modprobe: 'kmod',
  depmod: 'kmod',
  cpio: 'cpio',
  gzip: 'gzip',
};
const sbin = `${process.env.PATH}${path.delimiter}/usr/sbin${path.delimiter}/sbin`;
const program = (name) => which(name, sbin);

/** Ends with a sentence; not a failure of the board, so not a failed test. */
function lacking(sentence) {
  console.log(`skipped usb: ${sentence}\n0 passed, 0 failed, 1 skipped`);
  process.exit(4);
}

function must(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

const missing = Object.keys(programs).filter((name) => program(name) === undefined);
if (missing.length > 0) {
  const packages = [...new Set(missing.map((name) => programs[name]))].join(' ');
  lacking(
    `${missing.join(', ')} not found. Do this, then try again:  sudo apt-get install --no-install-recommends ${packages}`,
  );
}
const probe = path.join(root, 'native', 'target', 'release', 'calyx-usb');
if (!existsSync(probe)) lacking('native/target/release/calyx-usb is not built.');

/** A kernel with USB and camera drivers: installed, or Debian's package unpacked beside our other downloads. Its folder holds boot/ and lib/modules/. */
function kernel() {
  const cache = path.join(root, 'node_modules', '.cache', 'calyx-kernel');
  for (const place of ['/', cache]) {
    const modules = path.join(place, 'lib', 'modules');
    if (!existsSync(modules)) continue;
    for (const version of readdirSync(modules)) {
      const image = path.join(place, 'boot', `vmlinuz-${version}`);
      const driver = path.join(modules, version, 'kernel', 'drivers', 'media', 'usb', 'uvc');
      if (existsSync(image) && existsSync(driver)) return { place, version, image };
    }
  }
  return undefined;
}

function fetchKernel() {
  if (which('apt-get') === undefined || which('dpkg') === undefined) return;
  const cache = path.join(root, 'node_modules', '.cache', 'calyx-kernel');
  mkdirSync(cache, { recursive: true });
  const depends = spawnSync('apt-cache', ['depends', 'linux-image-amd64'], { encoding: 'utf8' }).stdout ?? '';
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) return;
  process.stderr.write(`  fetching ${name} (70 MB, unpacked beside the other tools, not installed) …\n`);
  if (spawnSync('apt-get', ['download', name], { cwd: cache, stdio: 'ignore' }).status !== 0) return;
  const file = readdirSync(cache).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) return;
  must('dpkg', ['-x', path.join(cache, file), cache]);
  rmSync(path.join(cache, file));
}

if (kernel() === undefined) fetchKernel();
const { place, version, image } =
  kernel() ?? lacking('no kernel with uvcvideo. Do this, then try again:  sudo apt-get install linux-image-amd64');

const work = mkdtempSync(path.join(tmpdir(), 'calyx-test-usb-'));
const results = [];
const check = (name, holds, detail = '') => {
  results.push(holds);
  console.log(`${holds ? 'ok      ' : 'FAILED  '}${name}${detail === '' ? '' : ` (${detail})`}`);
};

/** What is recorded in there: slowly, since the computer is emulated, and without an encoder. */
const rig = {
  directoryStructure: ['date', 'time'],
  recordLengthinSeconds: 6,
  devices: {
    miniscopes: {
      Miniscope: { deviceType: 'Miniscope_V4_BNO', deviceID: 0, compression: 'GREY', led0: 20, frameRate: '5FPS' },
    },
  },
};

/** A person without rights of the machine's own. */
const nobody = 'process.setgid(65534); process.setuid(65534);\n';
/** Whether each picture of a raw film is one that the board showed, byte for byte, each later than the one before; their number, and how many are left out. */
const looker = `
import { readFileSync } from 'node:fs';
const pixels = 608 * 608;
const film = readFileSync(process.argv[2]);
let last, pictures = 0, wrong = 0, leftOut = 0;
for (let at = film.indexOf('movi') + 4; at + 8 <= film.length; ) {
  const length = film.readUInt32LE(at + 4);
  if (film.toString('latin1', at + 2, at + 4) !== 'dc') break;
  const shift = film[at + 8];
  for (let n = 0; n < pixels; n += 1) if (film[at + 8 + n] !== ((n * 3 + (n >> 8) + shift) & 0xff)) { wrong += 1; break; }
  const number = (shift * 39) & 0xff;
  if (last !== undefined) leftOut += (number - last - 1) & 0xff;
  last = number;
  pictures += 1;
  at += 8 + length + (length & 1);
}
console.log(JSON.stringify({ pictures, wrong, leftOut }));
`;

/** The machine's whole file system: busybox, the drivers in the order they are loaded, the probe with its libraries, and what is done. */
function makeRoot() {
  const folder = path.join(work, 'root');
  for (const part of ['bin', 'dev', 'proc', 'sys', 'modules', 'lib64', 'host'])
    mkdirSync(path.join(folder, part), { recursive: true });
  copyFileSync(program('busybox'), path.join(folder, 'bin', 'busybox'));
  symlinkSync('busybox', path.join(folder, 'bin', 'sh'));
  must(program('depmod'), ['-b', place, version]);
  const files = [];
  for (const module of ['xhci_pci', 'uvcvideo', 'virtio_pci', '9pnet_virtio', '9p']) {
    const shown = must(program('modprobe'), ['-d', place, '-S', version, '--show-depends', module]);
    for (const [, file] of shown.matchAll(/^insmod (\S+)/gm)) if (!files.includes(file)) files.push(file);
  }
  for (const file of files) copyFileSync(file, path.join(folder, 'modules', path.basename(file)));
  copyFileSync(probe, path.join(folder, 'bin', 'calyx-usb'));
  for (const [, library] of must('ldd', [probe]).matchAll(/(\/\S+\.so\S*)/g)) {
    mkdirSync(path.join(folder, path.dirname(library)), { recursive: true });
    copyFileSync(library, path.join(folder, library));
  }
  writeFileSync(path.join(folder, 'rig.json'), JSON.stringify(rig));
  writeFileSync(path.join(folder, 'nobody.mjs'), nobody);
  writeFileSync(path.join(folder, 'look.mjs'), looker);
  const init = path.join(folder, 'init');
  writeFileSync(
    init,
    `#!/bin/sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
echo "said: kernel $($B uname -r)"
${files.map((file) => `$B insmod /modules/${path.basename(file)}`).join('\n')}
for n in $($B seq 200); do [ -e /dev/video0 ] && break; $B usleep 100000; done
echo "said: camera $($B cat /sys/class/video4linux/video0/name)"
echo "said: list"; calyx-usb list
echo "said: probe"; calyx-usb probe --frames ${frames} --pattern; echo "said: exit $?"
$B usleep 500000
echo "said: again"; calyx-usb list
$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host
for n in dev proc sys; do $B mount -o bind /$n /host/$n; done
$B mount -t tmpfs tmp /host/tmp
$B cp /rig.json /nobody.mjs /look.mjs /host/tmp/
node() { $B chroot /host /bin/sh -c "cd '${root}' && HOME=/tmp exec '${process.execPath}' $*"; }
calyx() { node main/hosts/cli/main.ts $*; }
echo "said: blink"; calyx devices --identify 2-1 --json; echo "said: exit $?"
echo "said: record"; calyx record --rig /tmp/rig.json --data /tmp/data --json; echo "said: exit $?"
echo "said: verify"; calyx verify '/tmp/data/*/*' --json; echo "said: exit $?"
echo "said: looked"; node /tmp/look.mjs '/tmp/data/*/*/Miniscope/0.avi'
$B chmod 666 /dev/video0
echo "said: camerarecord"; node --import /tmp/nobody.mjs main/hosts/cli/main.ts record --rig /tmp/rig.json --data /tmp/driver --json; echo "said: exit $?"
echo "said: cameraverify"; calyx verify '/tmp/driver/*/*' --json; echo "said: exit $?"
echo "said: cameralooked"; node /tmp/look.mjs '/tmp/driver/*/*/Miniscope/0.avi'
calyx devices --watch --json > /watch.log & 
for n in $($B seq 600); do [ -s /watch.log ] && break; $B usleep 100000; done
echo "said: pull"; calyx-usb probe --frames 1000000; echo "said: exit $?"
echo "said: pulled"; calyx-usb list
for n in $($B seq 100); do [ -e /dev/video0 ] && break; $B usleep 100000; done
echo "said: back"; calyx-usb list
for n in $($B seq 300); do [ "$($B wc -l < /watch.log)" -ge 3 ] && break; $B usleep 100000; done
echo "said: watched"; $B cat /watch.log
echo "said: over"
$B poweroff -f
`,
  );
  chmodSync(init, 0o755);
  const list = must('find', ['.'], { cwd: folder });
  const archive = spawnSync(program('cpio'), ['-o', '-H', 'newc', '--quiet'], {
    cwd: folder,
    input: list,
    maxBuffer: 512 * 1024 * 1024,
  });
  const file = path.join(work, 'root.gz');
  writeFileSync(file, spawnSync('gzip', ['-1'], { input: archive.stdout, maxBuffer: 512 * 1024 * 1024 }).stdout);
  return file;
}

/** The board's clock: this computer's, slowed down. */
const clock = {
  nowNs: () => process.hrtime.bigint() / BigInt(slower),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms * slower);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};
/** The pattern that `calyx-usb probe --pattern` knows. */
const rows = Uint8Array.from({ length: 608 * 608 }, (_, at) => (at * 3 + (at >> 8)) & 0xff);
const picture = (frame, _state, out) => {
  const shift = (frame * 151) & 0xff;
  for (let at = 0; at < out.length; at += 1) out[at] = rows[at] + shift;
};

const board = new SimulatedBoard(new ScopeModel(scopeType(readCatalogue(), 'Miniscope_V4_BNO')));
const address = path.join(work, 'board.sock');
let most = 0;
let said = '';
const server = await serveUsbredir(address, {
  usb: new SimulatedUsbDevice(board),
  picture: (...args) => {
    const led = board.scope.state.values.led0 ?? 0;
    most = Math.max(most, led);
    if (said.includes('said: blink') && !said.includes('said: record') && blinked.at(-1) !== Math.round(led)) {
      blinked.push(Math.abs(Math.round(led)));
    }
    picture(...args);
  },
  clock,
  // An emulated controller comes for payloads much later than a real one.
  isPatient: true,
});

const log = path.join(root, 'test-output', 'usb.log');
mkdirSync(path.dirname(log), { recursive: true });
writeFileSync(log, '');
const began = Date.now();
const machine = spawn(
  program('qemu-system-x86_64'),
  [
    ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '2048', '-nographic', '-no-reboot'],
    ['-kernel', image, '-initrd', makeRoot(), '-append', 'console=ttyS0 panic=-1 loglevel=4 mitigations=off'],
    ['-device', 'qemu-xhci,id=xhci', '-chardev', `socket,id=board,path=${address}`],
    ['-device', 'usb-redir,chardev=board,id=usb,bus=xhci.0'],
    ['-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap'],
    ['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
  ].flat(),
  { stdio: ['ignore', 'pipe', 'pipe'] },
);
let isPulled = false;
/** LED, percent: the highest and the last of the probe, the last of the recording. */
let probed;
let recordedLed;
/** LED levels while it blinked, and after the recording through the camera driver. */
const blinked = [];
let driverLed;
const hear = (chunk) => {
  const text = String(chunk).replaceAll('\r', '');
  said += text;
  appendFileSync(log, text);
  const led = Math.abs(Math.round(board.scope.state.values.led0 ?? -1));
  if (probed === undefined && said.includes('said: again')) probed = { most: Math.round(most), left: led };
  if (recordedLed === undefined && said.includes('said: verify')) recordedLed = led;
  if (driverLed === undefined && said.includes('said: cameraverify')) driverLed = led;
  // What follows compares the scope's rate with the clock.
  if (said.includes('said: blink')) slower = 1;
  // The plug is pulled while the second probe streams, and put in again.
  if (!isPulled && /said: pull\n[^]*"led":/.test(said)) {
    isPulled = true;
    setTimeout(() => server.plug(false), 3000);
    setTimeout(() => server.plug(true), 8000);
  }
};
machine.stdout.on('data', hear);
machine.stderr.on('data', hear);
const timer = setTimeout(() => machine.kill('SIGKILL'), machineMs);
// Whoever ends this ends the machine, too.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => machine.kill('SIGKILL'));
await new Promise((resolve) => machine.on('close', resolve));
clearTimeout(timer);
await server.close();
rmSync(work, { recursive: true, force: true });

const part = (name) => new RegExp(`said: ${name}\\n([^]*?)(?=said: |$)`).exec(said)?.[1] ?? '';
const lines = (name) =>
  part(name)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
const camera = /said: camera (.*)/.exec(said)?.[1] ?? '';
check(
  'the kernel knows the board as a camera',
  /MINISCOPE/.test(camera),
  `${/said: kernel (.*)/.exec(said)?.[1]}: ${camera}`,
);
const [listed] = lines('list');
check(
  'it is listed by its port, at USB 3 speed, with its driver',
  listed?.kind === 'Board' && listed?.speedMbps === 5000 && listed?.driver === 'uvcvideo' && listed?.permitted === true,
  JSON.stringify(listed),
);
const told = lines('probe').at(-1);
check(
  `${frames} frames come through usbfs, each as it was sent`,
  told?.sound === true && told?.frames === frames && told?.wrongFrames === 0 && told?.patternGaps === 0,
  JSON.stringify(told),
);
// QEMU keeps up to 64 payloads between the board and its kernel, so a busy computer reads the counter a frame or two late; a real board keeps 8.
check(
  'its counter tells the same',
  Math.abs(told?.missingByCounter ?? 99) <= 3 && told?.counterUnread < frames,
  `${told?.counterUnread} unread`,
);
check(
  'the LED followed over control transfers, and is off',
  probed?.most === 10 && probed?.left === 0,
  `at most ${probed?.most} %, ${probed?.left} % at the end`,
);
check('the camera is given back to the kernel', lines('again')[0]?.driver === 'uvcvideo');
const [recorded] = lines('record');
const figures = recorded?.integrity;
check(
  'calyx record makes a session folder from it, and none is missing',
  figures?.missing === 0 && figures?.saved >= 20,
  figures === undefined ? part('record').slice(0, 600) : `${figures.saved} saved, ${figures.missing} missing`,
);
check(
  'calyx devices --identify lets its LED blink three times, and leaves it dark',
  blinked.filter((level) => level === 30).length === 3 && blinked.at(-1) === 0,
  blinked.join(' '),
);
const [looked] = lines('looked');
check(
  'every picture of the film is one that the board showed, byte for byte, and none is left out',
  looked?.pictures === figures?.saved && looked?.wrong === 0 && looked?.leftOut === 0,
  JSON.stringify(looked),
);
check('the LED is off after it, too', recordedLed === 0, `${recordedLed} %`);
check('calyx verify calls it sound', lines('verify')[0]?.sound === true, part('verify').slice(0, 300));
const [driven] = lines('camerarecord');
const [drivenLook] = lines('cameralooked');
check(
  'a person without raw access is told so, and records through the camera driver',
  /gives only the camera of the board/.test(part('camerarecord')) && driven?.integrity.saved >= 20,
  driven === undefined ? part('camerarecord').slice(0, 600) : `${driven.integrity.saved} saved`,
);
check(
  'its pictures are the same to the byte, and what cannot be known is not told: no counter was read',
  drivenLook?.pictures === driven?.integrity.saved &&
    drivenLook?.wrong === 0 &&
    driven?.integrity.missing === null &&
    driven?.integrity.unreadCounters === driven?.integrity.saved,
  `${JSON.stringify(drivenLook)}, missing ${driven?.integrity.missing}, ${driven?.integrity.unreadCounters} counters unread`,
);
check('the LED is off then, too', driverLed === 0, `${driverLed} %`);
check('and calyx verify calls it sound', lines('cameraverify')[0]?.sound === true, part('cameraverify').slice(0, 300));
check(
  'a plug that is pulled ends the stream with a sentence',
  /unplugged/.test(lines('pull').at(-1)?.error ?? ''),
  lines('pull').at(-1)?.error,
);
check('nothing is listed then', lines('pulled').length === 0);
check('it is back when the plug is', lines('back')[0]?.kind === 'Board');
const news = lines('watched').flatMap((line) => line.news);
check(
  'calyx devices --watch tells that it went and came',
  news.join(' ') ===
    'The Miniscope DAQ board on USB port 2-1 was unplugged. A Miniscope DAQ board was plugged in on USB port 2-1.',
  news.join(' '),
);
console.log(
  `  ${((Date.now() - began) / 1000).toFixed(0)} s; payloads nobody fetched in time: ${server.lostPayloads()}`,
);
const failed = results.filter((holds) => !holds).length;
console.log(`${results.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
