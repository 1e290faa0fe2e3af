-- As a SARK of schema 10 wrote them.

INSERT INTO lease VALUES (1, 'sark-a', 7, 1790000000000, FALSE);
