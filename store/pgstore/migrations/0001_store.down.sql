DROP TABLE store_quota, store_cursor, store_audit, store_base, store_end, store_link;
