package sqlitestore

// All SQL text of the store that runs on an open file. Every statement is
// prepared when a connection is opened, so a file or a typo that does not fit
// fails at Open. A test pins the query plans.
const (
	keyColumns = `k.id, k.name, k.name_hash, k.live, k.first, k.last, k.versions, k.fence, k.checksum`

	versionColumns = `v.id, v.key_id, v.number, v.save_id, v.saved_at, v.user, v.host, v.program, v.message,
		v.source_type, v.source_identifier, v.source_ref, v.source_synced_at,
		v.state_size, v.state_digest, v.search_size, v.search_digest, v.checksum`

	leaseColumns = `l.key_id, l.fence, l.held, l.token, l.user, l.host, l.pid, l.command, l.taken_at, l.ttl, l.checksum`
)

// Statements that a reader needs; the writer has them too.
var readSQL = [...]string{
	readMeta: `SELECT format, read_format, write_format, lineage, created_at, epoch, keys, key_set, checksum
		FROM meta WHERE id = 1`,

	// A key is looked up in two indexes: one damaged page can hide it from one
	// of them, and "not found" must be the truth.
	keyByName: `SELECT ` + keyColumns + ` FROM key AS k INDEXED BY key_by_name WHERE k.name = ?1`,
	keyByHash: `SELECT ` + keyColumns + ` FROM key AS k INDEXED BY key_by_hash WHERE k.name_hash = ?1`,

	listNames: `SELECT name, live FROM key INDEXED BY key_by_name ORDER BY name`,
	listKeys: `SELECT ` + keyColumns + `, ` + versionColumns + `
		FROM key AS k INDEXED BY key_by_name
		CROSS JOIN version AS v ON v.key_id = k.id AND v.number = k.last
		WHERE k.live = 1 ORDER BY k.name`,

	versionByNumber: `SELECT ` + versionColumns + ` FROM version AS v WHERE v.key_id = ?1 AND v.number = ?2`,
	versionBySaveID: `SELECT ` + versionColumns + ` FROM version AS v WHERE v.key_id = ?1 AND v.save_id = ?2 AND v.number >= ?3`,
	versionsOfKey: `SELECT ` + versionColumns + ` FROM version AS v
		WHERE v.key_id = ?1 AND v.number >= ?2 ORDER BY v.number DESC`,
	allKeys: `SELECT ` + keyColumns + ` FROM key AS k WHERE k.id > ?1 ORDER BY k.id LIMIT 1000`,

	stateManifest:  `SELECT state_average, state_chunks FROM manifest WHERE version_id = ?1`,
	searchManifest: `SELECT search_average, search_chunks FROM manifest WHERE version_id = ?1`,
	manifestsAfter: `SELECT version_id, search_chunks, state_chunks FROM manifest WHERE version_id > ?1 ORDER BY version_id`,

	chunkByHash: `SELECT id, hash, size, (SELECT epoch FROM garbage WHERE chunk_id = chunk.id)
		FROM chunk INDEXED BY chunk_by_hash WHERE substr(hash, 1, 8) = ?1`,
	chunkHashes: `SELECT id, hash, size FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id`,
	chunkData:   `SELECT id, hash, size, codec, data FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id`,
	chunksAfter: `SELECT id, hash, size, codec, data FROM chunk WHERE id > ?1 ORDER BY id LIMIT 200`,
	chunkIDs:    `SELECT id FROM chunk INDEXED BY chunk_by_hash`,
	chunkSizes:  `SELECT id, size, length(data) FROM chunk`,

	chunkIDsIn: `SELECT id FROM chunk WHERE id BETWEEN ?1 AND ?2`,

	// The row before the first may reach into the range.
	packedIn: `SELECT first, count, frame_id FROM packed
		WHERE first >= coalesce((SELECT max(first) FROM packed WHERE first <= ?1), ?1) AND first <= ?2 ORDER BY first`,
	allPacked:  `SELECT first, count, frame_id FROM packed ORDER BY first`,
	frameBase:  `SELECT base FROM frame WHERE id = ?1`,
	frameData:  `SELECT chunks, size, data FROM frame WHERE id = ?1`,
	basesAfter: `SELECT id, base FROM frame WHERE id > ?1 ORDER BY id`,
	frameSizes: `SELECT id, chunks, size, length(data) FROM frame`,
	newestManifests: `SELECT m.search_chunks, m.state_chunks
		FROM key AS k CROSS JOIN version AS v ON v.key_id = k.id AND v.number = k.last
		CROSS JOIN manifest AS m ON m.version_id = v.id WHERE k.live = 1`,
	manifestsOfKey: `SELECT m.search_chunks, m.state_chunks
		FROM version AS v CROSS JOIN manifest AS m ON m.version_id = v.id
		WHERE v.key_id = ?1 AND v.number >= ?2 ORDER BY v.number DESC`,
	lastManifest: `SELECT coalesce(max(version_id), 0) FROM manifest`,

	garbageIDs:   `SELECT chunk_id FROM garbage`,
	garbageMarks: `SELECT chunk_id, epoch FROM garbage`,
	garbageIDsIn: `SELECT chunk_id FROM garbage WHERE chunk_id BETWEEN ?1 AND ?2`,
	garbageIn:    `SELECT chunk_id, epoch FROM garbage WHERE chunk_id BETWEEN ?1 AND ?2`,
	garbageCount: `SELECT count(*) FROM garbage`,
	counts:       `SELECT (SELECT count(*) FROM version), (SELECT count(*) FROM chunk)`,

	dataVersion: `PRAGMA data_version`, // changes when another connection commits
	newestAfter: `SELECT ` + keyColumns + `, ` + versionColumns + `
		FROM version AS v CROSS JOIN key AS k ON k.id = v.key_id
		WHERE v.id > ?1 AND v.number = k.last AND k.live = 1 ORDER BY v.id`,

	leaseOfKey: `SELECT ` + leaseColumns + ` FROM lease AS l WHERE l.key_id = ?1`,
	leasesHeld: `SELECT ` + keyColumns + `, ` + leaseColumns + `
		FROM lease AS l CROSS JOIN key AS k ON k.id = l.key_id WHERE l.held <> 0`,

	logFrames:      `PRAGMA wal_checkpoint(NOOP)`, // frames in the log, and how many are copied
	integrityCheck: `PRAGMA integrity_check(20)`,
	freeList:       `PRAGMA freelist_count`,
	deadVersions:   `SELECT id FROM version WHERE key_id = ?1 AND number < ?2 LIMIT ?3`,
}

const (
	readMeta = iota // indexes of readSQL; nothing on disk
	keyByName
	keyByHash
	listNames
	listKeys
	versionByNumber
	versionBySaveID
	versionsOfKey
	allKeys
	stateManifest
	searchManifest
	manifestsAfter
	chunkByHash
	chunkHashes
	chunkData
	chunksAfter
	chunkIDs
	chunkSizes
	chunkIDsIn
	packedIn
	allPacked
	frameBase
	frameData
	basesAfter
	frameSizes
	newestManifests
	manifestsOfKey
	lastManifest
	garbageIDs
	garbageMarks
	garbageIDsIn
	garbageIn
	garbageCount
	counts
	dataVersion
	newestAfter
	leaseOfKey
	leasesHeld
	logFrames
	integrityCheck
	freeList
	deadVersions
)

// Statements that only the writer needs.
var writeSQL = [...]string{
	begin:    `BEGIN IMMEDIATE`,
	commit:   `COMMIT`,
	rollback: `ROLLBACK`,

	updateMeta: `UPDATE meta SET format = ?1, read_format = ?2, write_format = ?3, epoch = ?4, keys = ?5, key_set = ?6,
		checksum = ?7 WHERE id = 1`,

	insertKey: `INSERT INTO key (name, name_hash, live, first, last, versions, fence, checksum) VALUES (?1, ?2, 0, 1, 0, 0, 0, x'')`,
	updateKey: `UPDATE key SET live = ?2, first = ?3, last = ?4, versions = ?5, fence = ?6, checksum = ?7 WHERE id = ?1`,

	insertVersion: `INSERT INTO version (key_id, number, save_id, saved_at, user, host, program, message,
		source_type, source_identifier, source_ref, source_synced_at,
		state_size, state_digest, search_size, search_digest, checksum)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)`,
	moveVersion: `UPDATE version SET key_id = ?2, number = ?3, checksum = ?4 WHERE id = ?1`,
	insertManifest: `INSERT INTO manifest (version_id, search_average, search_chunks, state_average, state_chunks)
		VALUES (?1, ?2, ?3, ?4, ?5)`,
	cloneManifest: `INSERT INTO manifest (version_id, search_average, search_chunks, state_average, state_chunks)
		SELECT ?2, search_average, search_chunks, state_average, state_chunks FROM manifest WHERE version_id = ?1`,
	deleteVersion:  `DELETE FROM version WHERE id = ?1`,
	deleteManifest: `DELETE FROM manifest WHERE version_id = ?1`,

	insertChunk:      `INSERT INTO chunk (hash, size, codec, data) VALUES (?1, ?2, ?3, ?4)`,
	markGarbage:      `INSERT OR IGNORE INTO garbage (chunk_id, epoch) VALUES (?1, ?2)`,
	unmarkGarbage:    `DELETE FROM garbage WHERE chunk_id = ?1`,
	insertChunkAgain: `INSERT INTO chunk (id, hash, size, codec, data) VALUES (?1, ?2, ?3, ?4, ?5)`,
	deleteChunks:     `DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2`,
	deleteMarks:      `DELETE FROM garbage WHERE chunk_id BETWEEN ?1 AND ?2`,

	insertFrame:  `INSERT INTO frame (chunks, size, base, data) VALUES (?1, ?2, ?3, ?4)`,
	deleteFrame:  `DELETE FROM frame WHERE id = ?1`,
	insertPacked: `INSERT INTO packed (first, count, frame_id) VALUES (?1, ?2, ?3)`,
	deletePacked: `DELETE FROM packed WHERE first = ?1`,

	replaceLease: `INSERT OR REPLACE INTO lease (key_id, fence, held, token, user, host, pid, command, taken_at, ttl, checksum)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`,

	freePages: `PRAGMA incremental_vacuum(256)`,
}

const (
	begin = iota // indexes of writeSQL; nothing on disk
	commit
	rollback
	updateMeta
	insertKey
	updateKey
	insertVersion
	moveVersion
	insertManifest
	cloneManifest
	deleteVersion
	deleteManifest
	insertChunk
	markGarbage
	unmarkGarbage
	insertChunkAgain
	deleteChunks
	deleteMarks
	insertFrame
	deleteFrame
	insertPacked
	deletePacked
	replaceLease
	freePages
)
