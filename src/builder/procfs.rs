//! What `/proc` tells of processes that are not ours to ask: families, memory, listening sockets.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Listening;

/// A listening TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) address: SocketAddr,
    inode: u64,
}

/// `root` and every living process below it.
pub(super) fn family(root: u32) -> Vec<u32> {
    let mut parents: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        if let Some(parent) = parent_of(pid) {
            parents.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(parents.get(&pid).into_iter().flatten());
        next += 1;
    }
    found
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so count from its end.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Memory that belongs to these processes alone: shared libraries and cached files do not count.
pub(super) fn memory_bytes(pids: &[u32]) -> u64 {
    pids.iter().map(|pid| own_memory_kib(*pid).unwrap_or(0) * 1024).sum()
}

fn own_memory_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    Some(field("RssAnon:").unwrap_or(0) + field("RssShmem:").unwrap_or(0))
}

/// Sockets in LISTEN state as `net` (a folder like `/proc/net`) shows them; `None` when it cannot be read.
pub(super) fn listeners(net: &Path) -> Option<Vec<Socket>> {
    let four = std::fs::read_to_string(net.join("tcp")).ok()?;
    let six = std::fs::read_to_string(net.join("tcp6")).unwrap_or_default();
    Some(listeners_in(&format!("{four}{six}")))
}

/// The same, of the text of `/proc/net/tcp` and `/proc/net/tcp6`.
pub(super) fn listeners_in(table: &str) -> Vec<Socket> {
    const LISTEN: &str = "0A";
    let socket = |line: &str| -> Option<Socket> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_listening = *fields.get(3)? == LISTEN;
        let address = address_of(fields.get(1)?)?;
        let inode = fields.get(9)?.parse().ok()?;
        is_listening.then_some(Socket { address, inode })
    };
    table.lines().filter_map(socket).collect()
}

fn address_of(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // The kernel prints the words in this machine's byte order.
    let word = |at: usize| Some(u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

/// Keeps the sockets that one of `pids` holds open.
pub(super) fn held_by(pids: &[u32], sockets: Vec<Socket>) -> Vec<Socket> {
    let inodes: HashSet<u64> = pids.iter().flat_map(|pid| socket_inodes(*pid)).collect();
    sockets.into_iter().filter(|socket| inodes.contains(&socket.inode)).collect()
}

fn socket_inodes(pid: u32) -> Vec<u64> {
    let folder = PathBuf::from(format!("/proc/{pid}/fd"));
    let links = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let inode =
        |link: PathBuf| -> Option<u64> { link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok() };
    links.filter_map(|entry| inode(std::fs::read_link(entry.path()).ok()?)).collect()
}

/// One entry for each port; `reach` turns port and bound address into where we reach it.
pub(super) fn by_port(sockets: &[Socket], reach: impl Fn(u16, IpAddr) -> SocketAddr) -> Vec<Listening> {
    let mut ports: BTreeMap<u16, Vec<IpAddr>> = BTreeMap::new();
    for socket in sockets {
        ports.entry(socket.address.port()).or_default().push(socket.address.ip());
    }
    let entry = |(port, addresses): (u16, Vec<IpAddr>)| Listening {
        port,
        loopback_only: addresses.iter().all(IpAddr::is_loopback),
        reach: reach(port, addresses[0]),
    };
    ports.into_iter().map(entry).collect()
}

/// Where a process in our own network is reached that is bound to `address`.
pub(super) fn reach_here(port: u16, address: IpAddr) -> SocketAddr {
    let address = match address {
        IpAddr::V4(four) if four.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        // A dual-stack socket answers on IPv4 as well; a loopback-only one does not.
        IpAddr::V6(six) if six.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        bound => bound,
    };
    SocketAddr::new(address, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_socket_is_told_from_one_on_all_addresses() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n\
             1: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 78 1 0 100 0 0 10 0\n\
             2: 0100007F:1F92 0100007F:0001 01 00000000:00000000 00:00000000 00000000     0        0 79 1 0 100 0 0 10 0\n\
             3: 00000000000000000000000000000000:1F93 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 80 1 0 100 0 0 10 0\n";
        let found = by_port(&listeners_in(table), reach_here);
        let flat: Vec<(u16, bool)> = found.iter().map(|each| (each.port, each.loopback_only)).collect();
        assert_eq!(flat, [(8080, true), (8081, false), (8083, false)]);
        assert_eq!(found[2].reach, "127.0.0.1:8083".parse().expect("an address"));
    }
}
